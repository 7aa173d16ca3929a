/** Works that are begun together and end together. */

/** The values once all works have come to rest, or the failure of the first that failed: nothing runs on behind an error. */
export async function allAtRest<T>(works: Iterable<Promise<T>>): Promise<T[]> {
  const outcomes = await Promise.allSettled(works)
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}
