// The largest of numbers, of any count: arguments of a call are limited. `least` if there are none.
export function largest(values: Iterable<number>, least: number): number {
  let most = least
  for (const value of values) if (value > most) most = value
  return most
}
