import assert from 'node:assert/strict'
import { State } from '../../../src/state/index.ts'
import { log } from '../../../src/transfer/index.ts'
import { digest, makeFolder, NOW, removeFolders } from '../../state/folder.ts'

describe('transfer/status/report', () => {
  after(removeFolders)

  async function moved(...places: { target: string; repository: string }[]): Promise<string> {
    const dir = makeFolder()
    const state = await State.init(dir, { now: NOW, site: 'site-a', reason: 'test' })
    for (const place of places) {
      const name = { ...place, tag: '1.0' }
      await state.intendTags([{ ...name, old: null, new: digest(place.target) }])
      await state.settleTags([{ ...name, outcome: 'moved' }])
    }
    await state.close()
    return dir
  }

  it('lists the moves of a tag at the registry that was named, and at no other', async () => {
    const [here, there, layout] = ['registry.site:5000', 'registry.other', `oci:${makeFolder()}`]
    const state = await moved(
      { target: here, repository: 'app' },
      { target: there, repository: 'app' },
      { target: layout, repository: 'app' },
      { target: layout, repository: `${here}/app` },
    )
    const of = async (ref: string): Promise<string[]> =>
      (await log({ state, ref, now: NOW })).moves.map(({ target, path }) => `${target} ${path}`)
    // A layout has no host: what has this path there is meant, too.
    assert.deepEqual(await of(`${here}/app:1.0`), [`${here} app`, `${layout} app`, `${layout} ${here}/app`])
    assert.deepEqual(await of(`${there}/app:1.0`), [`${there} app`, `${layout} app`])
    assert.deepEqual(await of(`${layout}:app:1.0`), [`${layout} app`])
    assert.deepEqual(await of('app:1.0'), [`${here} app`, `${there} app`, `${layout} app`])
  })

  it('says nothing of a tag by what only other tags of its repository named', async () => {
    const target = 'registry.site:5000'
    const dir = await moved({ target, repository: 'app' })
    const state = await State.open(dir, { now: NOW, write: true })
    await state.recordHeld({ target, repository: 'app', digests: [digest(target), digest('layer')] })
    await state.recordHeld({ target, repository: 'app', digests: [digest('other')] })
    await state.close()
    const kinds = async (ref: string): Promise<string[]> =>
      (await log({ state: dir, ref, now: NOW })).rows.map(({ kind }) => kind)
    assert.deepEqual(await kinds(`${target}/app:1.0`), ['tag-intent', 'tag-done', 'held'])
    assert.deepEqual(await kinds(`${target}/app:2.0`), [])
    assert.deepEqual(await kinds(`${target}/app`), ['tag-intent', 'tag-done', 'held', 'held'])
  })
})
