// The colour of each site of the trace.
import { computed } from '@preact/signals'
import { colourOf } from '../base/colours'
import { loaded } from '../model/state'

export const colours = computed(() =>
  loaded.value ? loaded.value.sites.name.map((name, i) => colourOf(name, loaded.value!.sites.category[i])) : [])
