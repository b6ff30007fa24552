from . import race as race
from .convergence import study_convergence as study_convergence
from .convergence_report import report_convergence as report_convergence
from .tour import take_tour as take_tour
from .tour_report import report_tour as report_tour
