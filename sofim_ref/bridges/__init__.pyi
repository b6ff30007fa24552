# What the package offers: a module is imported when it is first asked for, and its framework with it.
from . import optax as optax
from . import sklearn as sklearn
from . import torch as torch
