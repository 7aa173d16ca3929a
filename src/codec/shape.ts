/**
 * Lists and tables in the shape of a document that anybody may have written. zod keeps a fault for each item, some 700
 * bytes: of a list of zeros that is a few MiB long, gigabytes.
 */
import type * as z from 'zod'

/** So many faulty items of one list are told; then the rest is not looked at. */
const TOLD = 16

/** The caller's, so that a command that needs no shape does not load the library. */
type Zod = typeof z

interface Told {
  issues: z.core.$ZodRawIssue[]
}

/** @param faults - of the item or member of this name */
function tell({ issues }: Told, name: PropertyKey, faults: z.ZodError): void {
  // Without the input: what is told must not hold what it is told of.
  for (const fault of faults.issues)
    issues.push({ ...fault, input: undefined, path: [name, ...fault.path] } as z.core.$ZodRawIssue)
}

/** As `z.array`; of its faults the first are told, and no item of a list beyond its bounds is looked at. */
export function shapedList<T>(
  { array, unknown }: Pick<Zod, 'array' | 'unknown'>,
  item: z.ZodType<T>,
  { min = 0, max = Infinity }: { min?: number; max?: number } = {},
): z.ZodType<T[]> {
  const bounded = array(unknown()).min(min).max(max)
  return bounded.transform((items, told) => {
    const list: T[] = []
    let faulty = 0
    for (const [i, value] of items.entries()) {
      const { data, error } = item.safeParse(value)
      if (error === undefined) list.push(data)
      else {
        tell(told, i, error)
        if (++faulty === TOLD) break
      }
    }
    return list
  })
}

/** As `z.record`; of its faults the first are told. */
export function shapedTable<T>(
  { record, string, unknown }: Pick<Zod, 'record' | 'string' | 'unknown'>,
  name: z.ZodType<string>,
  item: z.ZodType<T>,
): z.ZodType<Record<string, T>> {
  return record(string(), unknown()).transform((members, told) => {
    const table: [string, T][] = []
    let faulty = 0
    for (const [key, value] of Object.entries(members)) {
      const { error: misnamed } = name.safeParse(key)
      const { data, error } = item.safeParse(value)
      if (misnamed === undefined && error === undefined) table.push([key, data])
      else {
        for (const fault of [misnamed, error]) if (fault !== undefined) tell(told, key, fault)
        if (++faulty === TOLD) break
      }
    }
    return Object.fromEntries(table)
  })
}
