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
