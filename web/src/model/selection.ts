// What the user points at. Every view translates any kind into its own terms, so a click on a line
// lights up its tasks, and a click on a task its line.
import type { Chosen, Query, Sites, Tree } from '../api/types'

export type Selection =
  | { readonly kind: 'none' }
  | { readonly kind: 'sites'; readonly sites: readonly number[] }
  | { readonly kind: 'line'; readonly file: string; readonly line: number }
  | { readonly kind: 'node'; readonly function: string; readonly node: number }
  | { readonly kind: 'tree'; readonly tree: number }
  | { readonly kind: 'span'; readonly span: number; readonly site: number; readonly tree: number; readonly task: number }
  | { readonly kind: 'spans'; readonly query: Query } // a set of spans, by what is true of them

export const nothing: Selection = { kind: 'none' }

// The sites behind a selection, each once, in order; `found` are those of the spans that a query has found.
export function sitesOf(selection: Selection, sites: Sites, tree: Tree, found: readonly number[] = []): readonly number[] {
  const where = (holds: (site: number) => boolean) => sites.name.map((_, i) => i).filter(holds)
  switch (selection.kind) {
    case 'none':
      return []
    case 'sites':
      return [...new Set(selection.sites)].filter(s => s < sites.name.length).sort((a, b) => a - b)
    case 'line':
      return where(s => sites.line[s] === selection.line && sites.file[s] === selection.file)
    case 'node':
      return where(s => sites.node[s] === selection.node && sites.function[s] === selection.function)
    case 'tree': {
      const site = tree.site[selection.tree]
      return site === undefined || site < 0 ? [] : [site]
    }
    case 'span':
      return selection.site >= 0 && selection.site < sites.name.length ? [selection.site] : []
    case 'spans':
      return [...new Set(found)].filter(s => s >= 0 && s < sites.name.length).sort((a, b) => a - b)
  }
}

// The nodes of the tree of calls that are lit.
export function treeNodesOf(
  selection: Selection, sites: Sites, tree: Tree, found: readonly number[] = [],
): ReadonlySet<number> {
  if (selection.kind === 'tree') return new Set([selection.tree])
  if (selection.kind === 'span') return new Set(selection.tree >= 0 ? [selection.tree] : [])
  const wanted = new Set(sitesOf(selection, sites, tree, found))
  return new Set(tree.site.flatMap((site, node) => (wanted.has(site) ? [node] : [])))
}

// What the server is asked to light up; a selection without any site lights up nothing. Found spans are
// drawn one by one, above what is pale.
export function chosenBy(selection: Selection, sites: Sites, tree: Tree): Chosen {
  if (selection.kind === 'none') return {}
  if (selection.kind === 'tree') return { tree: selection.tree }
  return { sites: selection.kind === 'spans' ? [] : sitesOf(selection, sites, tree) }
}

// The place of a selection in the source: of its first site that has one.
export function placeOf(
  selection: Selection, sites: Sites, tree: Tree, found: readonly number[] = [],
): { file: string; line: number } | null {
  if (selection.kind === 'line') return { file: selection.file, line: selection.line }
  const site = sitesOf(selection, sites, tree, found).find(s => sites.line[s] > 0)
  return site === undefined ? null : { file: sites.file[site], line: sites.line[site] }
}

// As text for the address, and back. What cannot be read is no selection.
export function selectionText(selection: Selection): string {
  switch (selection.kind) {
    case 'none': return ''
    case 'sites': return `sites:${selection.sites.join('.')}`
    case 'line': return `line:${selection.line}:${selection.file}`
    case 'node': return `node:${selection.node}:${selection.function}`
    case 'tree': return `tree:${selection.tree}`
    case 'span': return `span:${[selection.span, selection.site, selection.tree, selection.task].join('.')}`
    case 'spans': {
      const { least, most, begin, end, thread, sites } = selection.query
      return `spans:${[least, most, begin, end, thread].map(n => n ?? '').join('.')}:${sites?.join('.') ?? '*'}`
    }
  }
}

// "spans:1000..0.90000.:3.4": at least 1000 ns, in this stretch of time, of two sites; '*' is all of them.
function readQuery(text: string): Selection | null {
  const found = /^spans:(\d*)\.(\d*)\.(-?\d*)\.(-?\d*)\.(\d*):(\*|[\d.]*)$/.exec(text)
  if (!found) return null
  const [least, most, begin, end, thread] = found.slice(1, 6).map(t => (t === '' ? undefined : Number(t)))
  const sites = found[6] === '*' ? undefined : found[6].split('.').filter(Boolean).map(Number)
  const numbers = [least, most, begin, end, thread, ...(sites ?? [])]
  if (numbers.some(n => n !== undefined && !Number.isSafeInteger(n))) return null
  return { kind: 'spans', query: { least, most, begin, end, thread, sites } }
}

export function readSelection(text: string): Selection {
  const query = readQuery(text)
  if (query) return query
  const found = /^(sites|line|node|tree|span):([-\d.]+)(?::([^]*))?$/.exec(text)
  if (!found) return nothing
  const numbers = found[2].split('.').map(Number)
  if (numbers.some(n => !Number.isSafeInteger(n))) return nothing
  const [first, site, tree, task] = numbers
  switch (found[1]) {
    case 'sites': return { kind: 'sites', sites: numbers }
    case 'line': return { kind: 'line', line: first, file: found[3] ?? '' }
    case 'node': return { kind: 'node', node: first, function: found[3] ?? '' }
    case 'tree': return { kind: 'tree', tree: first }
    default: return numbers.length === 4 ? { kind: 'span', span: first, site, tree, task } : nothing
  }
}
