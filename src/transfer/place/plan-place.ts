/** Where the parts of a plan stand in its file, for faults that show only when the plan is followed. */

/** What of a plan is the same object in every copy of it. */
interface Anchors {
  artifacts: readonly object[]
  map: readonly object[]
}

/** `file:line:column` of a part of the plan, or of what is nearest around it. */
type PlaceOf = (path: readonly PropertyKey[]) => string

// Beside the plan, not in it: two plans that say the same are the same input, wherever their lines stand.
const FILES = new WeakMap<readonly object[], { map: readonly object[]; placeOf: PlaceOf }>()

/** Notes where a plan comes from. `placeOf` is asked once, when the run ends with a fault. */
export function rememberPlaces({ artifacts, map }: Anchors, placeOf: PlaceOf): void {
  FILES.set(artifacts, { map, placeOf })
}

/** `file:line:column` of a part of a plan; undefined for a plan that is from no file. */
export function placeInPlan(
  { artifacts }: Pick<Anchors, 'artifacts'>,
  path: readonly PropertyKey[],
): string | undefined {
  return FILES.get(artifacts)?.placeOf(path)
}

/** The same of one of its mappings; undefined also for one that came from elsewhere. */
export function placeOfMapping(plan: Pick<Anchors, 'artifacts'>, mapping: object): string | undefined {
  const i = FILES.get(plan.artifacts)?.map.indexOf(mapping) ?? -1
  return i < 0 ? undefined : placeInPlan(plan, ['map', i, 'from'])
}
