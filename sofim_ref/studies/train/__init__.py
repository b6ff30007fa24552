"""One problem trained as a file says it: data, model, method, engine; saved on the way, and resumed bit for bit."""

from sofim_ref.studies.train.dry_run import dry_run
from sofim_ref.studies.train.run import OtherRunError, RunFolder, train
from sofim_ref.studies.train.setting import TrainSetting, read_setting
from sofim_ref.studies.train.toml_file import ConfigError

__all__ = ["ConfigError", "OtherRunError", "RunFolder", "TrainSetting", "dry_run", "read_setting", "train"]
