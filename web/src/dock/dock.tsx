// Views in groups of tabs that can be split, moved, resized and closed; the address holds how they lie.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import {
  closeView, type Group, groupsOf, type Layout, moveView, type Path, usual, type ViewName, type Where, withShare,
} from '../model/layout'
import { layout, open } from '../model/state'
import { viewTable } from '../views'

const edge = 0.25 // of a group: there a dropped view goes beside it

export function Dock() {
  return <Part part={layout.value} path={[]} />
}

function Part({ part, path }: { readonly part: Layout; readonly path: Path }) {
  if (part.kind === 'group') return <Tabs group={part} />
  return (
    <div class={`split ${part.kind === 'row' ? 'across' : 'down'}`}>
      <div class="part" style={{ flexGrow: part.share }}><Part part={part.first} path={[...path, 'first']} /></div>
      <Divider kind={part.kind} share={part.share} path={path} />
      <div class="part" style={{ flexGrow: 100 - part.share }}><Part part={part.second} path={[...path, 'second']} /></div>
    </div>
  )
}

function Divider({ kind, share, path }: { readonly kind: 'row' | 'column'; readonly share: number; readonly path: Path }) {
  const element = useRef<HTMLDivElement>(null)
  const set = (to: number) => (layout.value = withShare(layout.value, path, to))
  const drag = (event: PointerEvent) => {
    if (!element.current!.hasPointerCapture(event.pointerId)) return
    const box = element.current!.parentElement!.getBoundingClientRect()
    set(100 * (kind === 'row' ? (event.clientX - box.left) / box.width : (event.clientY - box.top) / box.height))
  }
  return (
    <div ref={element} class="divider" role="separator" tabIndex={0} aria-label="size of the views beside it"
      aria-orientation={kind === 'row' ? 'vertical' : 'horizontal'} aria-valuenow={share} aria-valuemin={8} aria-valuemax={92}
      onPointerDown={event => element.current!.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onDblClick={() => set(50)}
      onKeyDown={event => {
        const by = { ArrowLeft: -3, ArrowUp: -3, ArrowRight: 3, ArrowDown: 3 }[event.key]
        if (by === undefined) return
        set(share + by)
        event.preventDefault()
        event.stopPropagation()
      }} />
  )
}

// Where in a group something is dropped: on its middle or its tabs, or beside it.
export function whereIn(box: { width: number; height: number }, x: number, y: number): Where {
  const [left, right, above, below] = [x / box.width, 1 - x / box.width, y / box.height, 1 - y / box.height]
  const least = Math.min(left, right, above, below)
  if (least > edge) return 'tab'
  if (least === left) return 'left'
  if (least === right) return 'right'
  return least === above ? 'above' : 'below'
}

const dragged = { view: null as ViewName | null }

function Tabs({ group }: { readonly group: Group }) {
  const element = useRef<HTMLElement>(null)
  const drop = useSignal<Where | null>(null)
  const menu = useSignal(false)
  const { view: View, doc, title } = viewTable[group.active]
  const placeOf = (event: DragEvent): Where => {
    const box = element.current!.getBoundingClientRect()
    const onTabs = event.clientY - box.top < 30
    return onTabs ? 'tab' : whereIn(box, event.clientX - box.left, event.clientY - box.top)
  }
  return (
    <section class="panel" aria-label={title} ref={element} data-view={group.active}
      onDragOver={event => {
        if (!dragged.view) return
        event.preventDefault()
        drop.value = placeOf(event)
      }}
      onDragLeave={() => (drop.value = null)}
      onDrop={event => {
        drop.value = null
        if (dragged.view) layout.value = moveView(layout.value, dragged.view, group.active, placeOf(event))
        dragged.view = null
      }}>
      <nav>
        <div role="tablist" aria-label="views here">
          {group.views.map(name => <Tab key={name} name={name} group={group} />)}
        </div>
        <button aria-label="add a view here" title="add a view here" aria-expanded={menu.value} onClick={() => (menu.value = !menu.value)}>+</button>
        <span class="faint hint" title={doc}>{doc}</span>
        <button aria-label={`close ${title}`} title="close this view; + or Ctrl K brings it back" class="close"
          onClick={() => (layout.value = closeView(layout.value, group.active))}>×</button>
      </nav>
      {menu.value && <AddMenu near={group.active} done={() => (menu.value = false)} />}
      <div class="body" role="tabpanel" aria-label={title} key={group.active}><View /></div>
      {drop.value && <div class={`drop ${drop.value}`} />}
    </section>
  )
}

function Tab({ name, group }: { readonly name: ViewName; readonly group: Group }) {
  const isActive = name === group.active
  const next = (by: number) => open(group.views[(group.views.indexOf(name) + by + group.views.length) % group.views.length])
  return (
    <button role="tab" aria-selected={isActive} tabIndex={isActive ? 0 : -1} title={viewTable[name].doc} draggable
      onClick={() => open(name)}
      onDragStart={event => {
        dragged.view = name
        event.dataTransfer?.setData('text/plain', name)
      }}
      onDragEnd={() => (dragged.view = null)}
      onAuxClick={event => event.button === 1 && (layout.value = closeView(layout.value, name))}
      onKeyDown={event => {
        if (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft' && event.key !== 'Delete') return
        if (event.key === 'Delete') layout.value = closeView(layout.value, name)
        else next(event.key === 'ArrowRight' ? 1 : -1)
        event.preventDefault()
        event.stopPropagation()
        const list = event.currentTarget.parentElement
        setTimeout(() => list?.querySelector<HTMLElement>('[aria-selected=true]')?.focus())
      }}>
      {viewTable[name].title}
    </button>
  )
}

// All views: those that are open elsewhere are shown where they are.
function AddMenu({ near, done }: { readonly near: ViewName; readonly done: () => void }) {
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const box = element.current!
    box.querySelector<HTMLElement>('button')?.focus()
    const leave = (event: Event) => !box.parentElement?.contains(event.target as Node) && done()
    addEventListener('pointerdown', leave)
    return () => removeEventListener('pointerdown', leave)
  }, [])
  const isOpen = (name: ViewName) => groupsOf(layout.value).some(g => g.views.includes(name))
  const pick = (name: ViewName) => {
    const here = groupsOf(layout.value).find(g => g.views.includes(near))
    layout.value = isOpen(name) && here ? moveView(layout.value, name, near, 'tab') : layout.value
    open(name, near)
    done()
  }
  return (
    <div class="menu" role="menu" aria-label="views" ref={element}
      onKeyDown={event => {
        event.stopPropagation()
        if (event.key === 'Escape') done()
        const buttons = [...element.current!.querySelectorAll<HTMLElement>('button')]
        const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
        if (by) buttons[(buttons.indexOf(document.activeElement as HTMLElement) + by + buttons.length) % buttons.length].focus()
      }}>
      {(Object.keys(viewTable) as ViewName[]).map(name => (
        <button key={name} role="menuitem" onClick={() => pick(name)}>
          <b>{viewTable[name].title}</b> <span class="faint">{viewTable[name].doc}</span>
        </button>
      ))}
      <button role="menuitem" onClick={() => {
        layout.value = usual
        done()
      }}><b>All as it was</b> <span class="faint">the layout to begin with</span></button>
    </div>
  )
}
