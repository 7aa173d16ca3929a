import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { SideBySide } from '../../../src/transfer/run/side-by-side.ts'

const MIB = 1024 * 1024

/** Runs works of these sizes, the first lasting longest; tells how many and how much were under way at most. */
async function run(sizes: readonly number[]): Promise<{ works: number; bytes: number; results: number[] }> {
  const all = new SideBySide<number>()
  let [works, bytes, most, mostBytes] = [0, 0, 0, 0]
  for (const [at, size] of sizes.entries())
    await all.begin(size, async () => {
      works += 1
      bytes += size
      most = Math.max(most, works)
      mostBytes = Math.max(mostBytes, bytes)
      for (let left = sizes.length - at; left > 0; left -= 1) await turn()
      works -= 1
      bytes -= size
      return at
    })
  return { works: most, bytes: mostBytes, results: await all.all() }
}

describe('transfer/run/side-by-side', () => {
  it('keeps the order of beginning, whichever work ends first', async () => {
    const { results } = await run(Array.from({ length: 50 }, () => 1))
    assert.deepEqual(results, [...results.keys()])
  })

  it('runs eight at once, and no more', async () => {
    assert.equal((await run(Array.from({ length: 50 }, () => 1))).works, 8)
  })

  it('holds 8 MiB at once, and runs a larger work alone', async () => {
    assert.deepEqual(await run([3, 3, 3, 3, 3].map((mib) => mib * MIB)).then(({ works }) => works), 2)
    assert.equal((await run([MIB, 32 * MIB, MIB, 32 * MIB])).works, 1)
    assert.equal((await run([32 * MIB, 32 * MIB])).bytes, 32 * MIB)
  })

  it('lets works ask for room on their way, eight at once, and one that holds much alone', async () => {
    const sizes = [100, 128 * MIB, 3 * MIB, 3 * MIB, 3 * MIB, 128 * MIB, 100, 0, 6 * MIB, 100]
    const all = new SideBySide<number>()
    let [works, bytes, most] = [0, 0, 0]
    const together: number[] = []
    for (const [at, size] of sizes.entries())
      await all.beginWeighing(async (hold) => {
        most = Math.max(most, (works += 1))
        await hold(size)
        bytes += size
        together.push(bytes)
        for (let left = 3; left > 0; left -= 1) await turn()
        works -= 1
        bytes -= size
        return at
      })
    assert.deepEqual(await all.all(), [...sizes.keys()])
    assert.equal(most, 8)
    assert.ok(
      together.every((held) => held <= 8 * MIB || held === 128 * MIB),
      String(together),
    )
    await all.beginWeighing(async (hold) => {
      await hold(1)
      await hold(1)
      return 0
    })
    await assert.rejects(all.all(), TypeError)
  })

  it('tells the failure of the first that failed, when all are asked for and not before', async () => {
    const all = new SideBySide<number>()
    for (let at = 0; at < 20; at += 1) {
      await all.begin(1, async () => {
        if (at === 3 || at === 11) throw new RangeError(`work ${at}`)
        return at
      })
      await turn()
    }
    await assert.rejects(all.all(), { message: 'work 3' })
  })

  it('tells of a failure when the others have come to rest', async () => {
    const all = new SideBySide<void>()
    let rests = false
    await all.begin(1, () => Promise.reject(new Error('it failed')))
    await all.begin(1, async () => {
      for (let left = 5; left > 0; left -= 1) await turn()
      rests = true
    })
    await assert.rejects(all.all(), /it failed/)
    assert.ok(rests)
  })
})
