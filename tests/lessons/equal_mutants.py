"""What is known of the exercises' arguments, and the mutants that equal the solution, each with its reason.

A mutant that isn't listed here must be refused. `NEVER_NEGATIVE` and `SYMMETRIC` name arguments, and differences of
them, of which the task says so: |x| equals x for these, and the transpose the matrix.
"""

NEVER_NEGATIVE = {
    "best_lr": ("rho", "mu", "L"),
    "best_trial": ("losses", "row"),
    "condition_left": ("eigenvalues", "k", "rho"),
    "condition_number": ("rho",),
    "cubic_length": ("M",),
    "damping_share": ("rho",),
    "em_weights": ("weights", "likelihoods"),
    "equally_long": ("rho", "s"),
    "gauss_newton": ("h",),
    "gaussian_fisher": ("v",),
    "gaussian_kl": ("s", "other_s"),
    "gradient_evaluations": ("gradients", "products", "losses"),
    "gradient_reading": ("rho",),
    "gradient_weight": ("beta", "1 - beta", "t", "k", "t - k", "1 - beta ** t"),
    "kl_update": ("F", "g"),
    "logistic_fisher": ("p", "1 - p"),
    "logdet": ("rho", "len(m) - 1"),
    "median_cost": ("costs", "ordered", "low", "high", "len(costs) - 1"),
    "mirror_step": ("p", "lr"),
    "moment": ("beta", "1 - beta", "1 - beta ** len(G)"),
    "natural_step": ("lr",),
    "newton_for_radius": ("h", "damping", "radius"),
    "noise_left": ("beta", "1 - beta"),
    "observed_order": ("first", "second", "third"),
    "peak_step": ("lr", "rho"),
    "predicted_fall": ("damping",),
    "saddle_factor": ("lr", "damping"),
    "same_as_heavy_ball": ("lr", "beta", "1 - beta", "dampening", "1 - dampening"),
    "same_run": ("lr", "rho", "a", "s"),
    "sherman_morrison": ("rho",),
    "step_length": ("lr", "rho", "s"),
    "steps_per_digit": ("mu", "L", "L - mu"),
    "steps_to_leave": ("lr", "start", "reach", "1 - lr * h"),
    "tail_rate": ("lr", "rho", "mu", "L"),
    "variational_step": ("precision", "lr", "1 - lr"),
    "woodbury": ("rho",),
    "xi1": ("rho", "lr"),
}
SYMMETRIC = {
    "best_lr": ("L",),  # a number
    "bfgs_update": ("B",),
    "cubic_length": ("M",),  # a number
    "gradient_reading": ("M",),  # a vector
    "hutchinson": ("H",),
    "kfac_solve": ("A", "G"),
    "natural_step": ("F",),
    "steps_per_digit": ("L",),  # a number
    "tail_rate": ("L",),  # a number
    "what_is_left": ("H",),
    "xi1": ("H",),
}
_BOTH = "the two in the middle, of which the mean is taken, change places"
_ORDER = "the smallest stays the smallest"
_EVEN = "p(1 − p) is an even function of xᵀw"
_SIGN = "a matrix and its negative stretch alike"
_SIZE = "its absolute value is taken"
_TWICE = "each row occurs twice in its product, so that its sign cancels"
_SQUARE = "it is squared"
_DOT = "a product of two vectors"
_LENGTH = "a length is ≥ 0"
_AWAY = "the run goes away from 0, so that both logarithms are positive"
_SHARE = "a common factor cancels when shares are taken"
_CHANCE = "probabilities are ≥ 0"
_KL = "a divergence is ≥ 0"
_SIGNS = "entries are 1 or −1, and come in twice"
EQUAL = {
    "best_trial": {
        "np.mean(row) → np.sum(row)": "all trials have as many seeds",
        "np.mean(row) → 2 * np.mean(row)": _ORDER,
        "np.mean(row) → np.mean(row) / 2": _ORDER,
        "np.mean(row) → np.mean(row) + 1": _ORDER,
        "np.mean(row) → np.mean(row) ** 2": f"losses are positive, and {_ORDER}",
        "np.mean(row) → np.sqrt(np.mean(row))": f"losses are positive, and {_ORDER}",
        "losses → 2 * losses": _ORDER,
        "losses → losses / 2": _ORDER,
        "losses → losses + 1": _ORDER,
        "losses → losses - 1": _ORDER,
        "losses → 3 * losses": _ORDER,
        "np.mean(row) → 3 * np.mean(row)": _ORDER,
        "np.mean(row) → np.log(np.mean(row))": f"losses are positive, and {_ORDER}",
        "np.mean(row) → np.mean(row) - 1": _ORDER,
        "np.mean(row) → np.exp(np.mean(row))": _ORDER,
        "int(np.argmin(means)) → np.argmin(means)": "NumPy's integers are numbers too",
    },
    "bfgs_update": {
        "B @ s → s @ B": "B is symmetric",
        "s @ Bs → Bs @ s": _DOT,
        "s @ Bs → abs(s @ Bs)": "B is positive definite",
        "s @ y → y @ s": _DOT,
        "s @ y → abs(s @ y)": "sᵀy > 0 is given",
    },
    "condition_left": {
        "eigenvalues / rho → rho / eigenvalues": "upside down, the quotient is the same",
        "eigenvalues / rho → 1 / (eigenvalues / rho)": "upside down, the quotient is the same",
        "np.max(quotients) / np.min(quotients) → abs(np.max(quotients) / np.min(quotients))": "quotients are positive",
        "np.max(quotients) → abs(np.max(quotients))": "quotients are positive",
        "np.min(quotients) → abs(np.min(quotients))": "quotients are positive",
    },
    "cubic_length": {
        "(np.sqrt(h ** 2 + 2 * M * abs(g)) - h) / M → abs((np.sqrt(h ** 2 + 2 * M * abs(g)) - h) / M)": _LENGTH,
        "np.sqrt(h ** 2 + 2 * M * abs(g)) - h → abs(np.sqrt(h ** 2 + 2 * M * abs(g)) - h)": _LENGTH,
        "h → -h": _SQUARE,
        "h → abs(h)": _SQUARE,
        "g → -g": _SIZE,
        "g → abs(g)": _SIZE,
    },
    "damping_share": {
        "m @ p → p @ m": _DOT,
        "m @ p → -(m @ p)": _SQUARE,
        "m @ p → abs(m @ p)": _SQUARE,
        "m → -m": _SQUARE,
        "p → -p": "it occurs twice in each product, or is squared",
    },
    "em_weights": {
        "likelihoods * weights → -(likelihoods * weights)": _SHARE,
        "likelihoods * weights → 2 * (likelihoods * weights)": _SHARE,
        "likelihoods * weights → 3 * (likelihoods * weights)": _SHARE,
        "likelihoods * weights → likelihoods * weights / 2": _SHARE,
        "likelihoods → -likelihoods": _SHARE,
        "likelihoods → 2 * likelihoods": _SHARE,
        "likelihoods → 3 * likelihoods": _SHARE,
        "likelihoods → likelihoods / 2": _SHARE,
        "weights → -weights": _SHARE,
        "weights → 2 * weights": _SHARE,
        "weights → 3 * weights": _SHARE,
        "weights → weights / 2": _SHARE,
        "np.mean(joint / np.sum(joint, axis=1)[:, None], axis=0) → "
        "abs(np.mean(joint / np.sum(joint, axis=1)[:, None], axis=0))": _CHANCE,
        "joint / np.sum(joint, axis=1)[:, None] → abs(joint / np.sum(joint, axis=1)[:, None])": _CHANCE,
        "np.sum(joint, axis=1)[:, None] → abs(np.sum(joint, axis=1)[:, None])": _CHANCE,
        "np.sum(joint, axis=1) → abs(np.sum(joint, axis=1))": _CHANCE,
        "1 → -1": "the last of two axes",
    },
    "gaussian_kl": {
        "np.log(other_s / s) + (s ** 2 + (mean - other_mean) ** 2) / (2 * other_s ** 2) - 0.5 → "
        "abs(np.log(other_s / s) + (s ** 2 + (mean - other_mean) ** 2) / (2 * other_s ** 2) - 0.5)": _KL,
        "np.log(other_s / s) + (s ** 2 + (mean - other_mean) ** 2) / (2 * other_s ** 2) → "
        "abs(np.log(other_s / s) + (s ** 2 + (mean - other_mean) ** 2) / (2 * other_s ** 2))": _KL,
        "s → -s": _SQUARE,
        "other_s → -other_s": _SQUARE,
        "mean - other_mean → other_mean - mean": _SQUARE,
        "mean - other_mean → -(mean - other_mean)": _SQUARE,
        "mean - other_mean → abs(mean - other_mean)": _SQUARE,
    },
    "gaussian_fisher": {"v → -v": _SQUARE},
    "gradient_reading": {"M @ g → g @ M": _DOT},
    "hutchinson": {
        "H @ z → z @ H": "H is symmetric",
        "Z → -Z": _SIGNS,
        "Z → 1 / Z": _SIGNS,
    },
    "improved_empirical_fisher": {
        "G / r[:, None] → -(G / r[:, None])": _TWICE,
        "G → -G": _TWICE,
        "r[:, None] → -r[:, None]": _TWICE,
        "r[:, None] → abs(r[:, None])": _TWICE,
        "r → -r": _TWICE,
        "r → abs(r)": _TWICE,
    },
    "kl_update": {"1 → -1": "the last axis is the second"},
    "kronecker_eigenvalues": {"np.outer(a, g) → np.outer(g, a)": "the same products, which are sorted"},
    "logistic_fisher": {
        "np.exp(-X @ w) → 1 / np.exp(-X @ w)": _EVEN,
        "-X @ w → -(-X @ w)": _EVEN,
        "-X @ w → abs(-X @ w)": _EVEN,
        "-X → X": _EVEN,
        "X → -X": _EVEN,
        "w → -w": _EVEN,
    },
    "median_cost": {
        "(ordered[(len(costs) - 1) // 2], ordered[len(costs) // 2]) → "
        "(ordered[len(costs) // 2], ordered[(len(costs) - 1) // 2])": _BOTH,
        "len(costs) → -len(costs)": f"counted from the end, {_BOTH}",
        "2 → -2": f"counted from the end, {_BOTH}",
    },
    "mirror_step": {
        "p * np.exp(-lr * g) → -(p * np.exp(-lr * g))": _SHARE,
        "p * np.exp(-lr * g) → 2 * (p * np.exp(-lr * g))": _SHARE,
        "p * np.exp(-lr * g) → 3 * (p * np.exp(-lr * g))": _SHARE,
        "p * np.exp(-lr * g) → p * np.exp(-lr * g) / 2": _SHARE,
        "p → -p": _SHARE,
        "p → 2 * p": _SHARE,
        "p → 3 * p": _SHARE,
        "p → p / 2": _SHARE,
        "np.exp(-lr * g) → -np.exp(-lr * g)": _SHARE,
        "np.exp(-lr * g) → 2 * np.exp(-lr * g)": _SHARE,
        "np.exp(-lr * g) → 3 * np.exp(-lr * g)": _SHARE,
        "np.exp(-lr * g) → np.exp(-lr * g) / 2": _SHARE,
        "-lr * g → -lr * g + 1": _SHARE,
        "-lr * g → -lr * g - 1": _SHARE,
        "g → g + 1": _SHARE,
        "g → g - 1": _SHARE,
        "q / np.sum(q) → abs(q / np.sum(q))": _CHANCE,
        "np.sum(q) → abs(np.sum(q))": _CHANCE,
    },
    "growth_hessian": {
        "0 → 0.0": "one number in two types",
        "np.asarray([[0, beside], [beside, 1]]) → [[0, beside], [beside, 1]]": "lists of the same numbers",
    },
    "newton_for_radius": {
        "g / (h + damping) → -(g / (h + damping))": "only lengths and squares of u occur",
        "g / (h + damping) → abs(g / (h + damping))": "only lengths and squares of u occur",
        "g → -g": "only lengths and squares of u occur",
        "g → abs(g)": "only lengths and squares of u occur",
        "h + damping → -(h + damping)": "only lengths and squares of u occur",
        "length / radius → abs(length / radius)": "a length is ≥ 0",
    },
    "observed_order": {
        "np.log(third / second) / np.log(second / first) → abs(np.log(third / second) / np.log(second / first))": (
            "errors fall, so that both logarithms are negative"
        ),
    },
    "policy_gradient": {"p @ r → r @ p": _DOT},
    "predicted_fall": {"g @ u → u @ g": _DOT},
    "same_run": {
        "a / s → -(a / s)": _SQUARE,
        "a → -a": _SQUARE,
        "s → -s": _SQUARE,
    },
    "sherman_morrison": {"m @ v → v @ m": _DOT},
    "step_length": {"s → -s": _SQUARE},
    "steps_per_digit": {
        "-1 / np.log10((L - mu) / (L + mu)) → abs(-1 / np.log10((L - mu) / (L + mu)))": "a number of steps is positive",
    },
    "steps_to_leave": {
        "np.log(reach / start) / np.log(1 - lr * h) → abs(np.log(reach / start) / np.log(1 - lr * h))": _AWAY,
        "np.log(reach / start) → abs(np.log(reach / start))": _AWAY,
        "np.log(1 - lr * h) → abs(np.log(1 - lr * h))": _AWAY,
    },
    "tail_rate": {
        "abs(1 - lr * mu / rho) → 1 - lr * mu / rho": "where negative, the other is larger in size, since L ≥ μ",
        "1 - lr * mu / rho → lr * mu / rho - 1": _SIZE,
        "1 - lr * mu / rho → -(1 - lr * mu / rho)": _SIZE,
        "1 - lr * mu / rho → abs(1 - lr * mu / rho)": _SIZE,
        "1 - lr * L / rho → lr * L / rho - 1": _SIZE,
        "1 - lr * L / rho → -(1 - lr * L / rho)": _SIZE,
        "1 - lr * L / rho → abs(1 - lr * L / rho)": _SIZE,
    },
    "variational_step": {
        "(1 - lr) * precision - lr * curvature → abs((1 - lr) * precision - lr * curvature)": "a precision is positive",
    },
    "what_is_left": {
        "np.diag(H) - H[0] ** 2 / H[0, 0] → abs(np.diag(H) - H[0] ** 2 / H[0, 0])": "a Schur complement is ≥ 0",
        "np.diag(H) → abs(np.diag(H))": "H is positive definite",
        "H → abs(H)": "entries of its diagonal are positive, others are squared",
        "H[0] ** 2 / H[0, 0] → abs(H[0] ** 2 / H[0, 0])": "H is positive definite",
        "H[0] → -H[0]": _SQUARE,
        "H[0] → abs(H[0])": _SQUARE,
        "H → -H": _SQUARE,
        "H[0, 0] → abs(H[0, 0])": "H is positive definite",
    },
    "xi1": {
        "np.eye(len(m)) - lr * np.linalg.solve(C, H) → lr * np.linalg.solve(C, H) - np.eye(len(m))": _SIGN,
        "np.eye(len(m)) - lr * np.linalg.solve(C, H) → -(np.eye(len(m)) - lr * np.linalg.solve(C, H))": _SIGN,
    },
}
