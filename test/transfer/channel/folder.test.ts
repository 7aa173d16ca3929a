import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportKeys, openChannelFolder } from '../../../src/transfer/channel/folder.ts'
import { fault } from '../../fault.ts'
import { ask, refusal, RotationStage } from './rotation-stage.ts'

describe('transfer/channel/folder', () => {
  const stage = new RotationStage()
  let keys = ''

  before(() => stage.raise())
  beforeEach(() => {
    keys = stage.anew()
  })
  after(() => stage.lower())

  const opened = async () => exportKeys(openChannelFolder(keys), undefined, ask)

  it('opens what an export signs with', async () => {
    const { holder, signers } = await opened()
    assert.equal(holder, 'ann')
    assert.equal(signers.length, 3)
  })

  it('refuses another key than the list names, and tells of the first', async () => {
    copyFileSync(join(keys, 'snapshot.pem'), join(keys, 'timestamp.pem'))
    await assert.rejects(opened(), refusal('KEY_REFUSED'))
    writeFileSync(join(keys, 'snapshot.pem'), 'none')
    await assert.rejects(opened(), refusal('KEY_MALFORMED'))
  })

  it('waits for no pipe in the place of a key', async () => {
    rmSync(join(keys, 'snapshot.pem'))
    execFileSync('mkfifo', [join(keys, 'snapshot.pem')])
    await assert.rejects(opened(), refusal('FILE_UNREADABLE'))
  })

  it('reads no file without end in the place of a key', async () => {
    writeFileSync(join(keys, 'snapshot.pem'), '')
    truncateSync(join(keys, 'snapshot.pem'), 8 * 1024 ** 3)
    await assert.rejects(opened(), refusal('FILE_UNREADABLE'))
  })

  it('tells a folder that holds no channel from one that may not be entered', async () => {
    assert.throws(() => openChannelFolder(join(keys, 'none')), fault('KEY_MISSING'))
    assert.throws(() => openChannelFolder(join(keys, 'snapshot.pem')), fault('KEY_MISSING'))
    // A name that no folder can be entered by, which holds for root as well.
    assert.throws(() => openChannelFolder(join(keys, 'x'.repeat(300))), fault('FILE_UNREADABLE'))
  })

  it('says which key is not here', async () => {
    rmSync(join(keys, 'timestamp.pem'))
    await assert.rejects(opened(), refusal('KEY_MISSING'))
  })
})
