import assert from 'node:assert/strict'
import { openLevel } from '../../src/state/engine.ts'
import { State, type OpenEngine } from '../../src/state/index.ts'
import { initState, makeFolder, NOW, removeFolders } from './folder.ts'

const write = { write: true, now: NOW }

describe('state/writer', () => {
  after(removeFolders)

  it('gives the lock back although its index can not be closed', async () => {
    const dir = makeFolder()
    await (await initState(dir)).close()
    const openEngine: OpenEngine = async (folder) => {
      const engine = await openLevel(folder)
      const close = engine.close.bind(engine)
      engine.close = async () => {
        await close()
        throw new Error('the disk is gone')
      }
      return engine
    }
    const state = await State.open(dir, { ...write, openEngine })
    await assert.rejects(state.close(), /the disk is gone/)
    await (await State.open(dir, write)).close()
  })
})
