# What the package offers, and where each name lives: `__init__.py` imports a name when it is first asked for.
from .convnet import digits_convnet as digits_convnet
from .lenet import lenet as lenet
from .resnet import resnet18 as resnet18
from .resnet import resnet50 as resnet50
from .transformer import CausalTransformer as CausalTransformer
