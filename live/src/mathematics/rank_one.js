// C = ρI + mmᵀ, which SOFIM divides by.

export const dot = (a, b) => a.reduce((sum, entry, i) => sum + entry * b[i], 0);

/** v split into its part along m and its part across m. */
export function split(m, v) {
  const square = dot(m, m);
  const share = square === 0 ? 0 : dot(m, v) / square;
  const along = m.map((entry) => share * entry);
  return { along, across: v.map((entry, i) => entry - along[i]) };
}

/** C⁻¹v: the part along m is divided by the eigenvalue ρ + ‖m‖², the part across by ρ. */
export function solve(rho, m, v) {
  const { along, across } = split(m, v);
  const large = rho + dot(m, m);
  return v.map((_, i) => across[i] / rho + along[i] / large);
}
