import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { serialPlugins } from '../../../src/transfer/run/serial-plugins.ts'
import type { FindPlugin } from '../../../src/trust/index.ts'

type Plugin = NonNullable<Awaited<ReturnType<FindPlugin>>>
const QUERY = {} as Parameters<Plugin['verify']>[0]

describe('transfer/run/serial-plugins', () => {
  let running: number
  let most: number
  const working = async <T>(result: () => T): Promise<T> => {
    running += 1
    most = Math.max(most, running)
    for (let turns = 0; turns < 5; turns += 1) await turn()
    running -= 1
    return result()
  }
  beforeEach(() => {
    running = 0
    most = 0
  })

  it('runs one at a time, in the order of asking', async () => {
    const asked: string[] = []
    const find = serialPlugins(({ name }) =>
      working(() => ({
        capabilities: ['SIGNATURE_VERIFIER.REVOCATION_CHECK'],
        verify: () =>
          working(() => {
            asked.push(name)
            return { results: {}, processedAttributes: [name] }
          }),
      })),
    )
    const names = ['a', 'b', 'c', 'd']
    const answers = await Promise.all(names.map(async (name) => (await find({ name }))?.verify(QUERY)))
    assert.deepEqual(
      answers.map((answer) => answer?.processedAttributes),
      names.map((name) => [name]),
    )
    assert.deepEqual(asked, names)
    assert.equal(most, 1)
  })

  it('hands on that there is none, and a failure to the one who asked', async () => {
    const find = serialPlugins(({ name }) =>
      working(() => {
        if (name === 'bad') throw new RangeError('bad')
        return undefined
      }),
    )
    const [bad, none] = [find({ name: 'bad' }), find({ name: 'none' })]
    await assert.rejects(bad, RangeError)
    assert.equal(await none, undefined)
  })
})
