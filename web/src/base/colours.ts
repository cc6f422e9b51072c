// One colour for each name, the same in every trace: from a palette whose entries differ in lightness as
// well as in hue, so that they stay apart for colour-blind eyes (after Paul Tol's schemes).

const palette = [
  '#4477aa', '#ee6677', '#228833', '#ccbb44', '#66ccee', '#aa3377', '#77aadd', '#ee8866',
  '#44bb99', '#bbcc33', '#cc6677', '#882255', '#117733', '#ddcc77', '#88ccee', '#aa4499',
  '#999933', '#332288', '#44aa99', '#dd9955',
] as const

const grey = '#9aa0a6'

function hash(text: string): number {
  let value = 2166136261
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 16777619)
  return (value ^ (value >>> 15)) >>> 0
}

// Waiting is grey: nothing is done.
export function colourOf(name: string, category: string): string {
  return category === 'wait' ? grey : palette[hash(name) % palette.length]
}

// Black or white, whichever is read better on the colour.
export function inkOn(colour: string): string {
  const [r, g, b] = [1, 3, 5].map(i => parseInt(colour.slice(i, i + 2), 16) / 255)
  return 0.299 * r + 0.587 * g + 0.114 * b > 0.55 ? '#14171a' : '#ffffff'
}

// From dark blue through green to yellow: evenly spaced to the eye, also to a colour-blind one (viridis).
const steps = ['#440154', '#46327e', '#365c8d', '#277f8e', '#1fa187', '#4ac16d', '#a0da39', '#fde725'] as const

// The colour of a share of 0 to 1 of a scale; grey where there is none.
export function scaleColour(share: number): string {
  if (!Number.isFinite(share)) return grey
  const place = Math.min(Math.max(share, 0), 1) * (steps.length - 1)
  const low = Math.min(Math.floor(place), steps.length - 2)
  const part = (from: string, to: string, i: number) => {
    const [a, b] = [parseInt(from.slice(i, i + 2), 16), parseInt(to.slice(i, i + 2), 16)]
    return Math.round(a + (b - a) * (place - low)).toString(16).padStart(2, '0')
  }
  return `#${[1, 3, 5].map(i => part(steps[low], steps[low + 1], i)).join('')}`
}

export const scaleImage = `linear-gradient(to right, ${steps.join(', ')})`

// Of threads and ranks: neighbours differ.
export function colourOfNumber(n: number): string {
  return palette[((n % palette.length) + palette.length) % palette.length]
}
