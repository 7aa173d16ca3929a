/** What of the environment a plugin of Notation is handed on. */
import assert from 'node:assert/strict'
import { pluginsHere } from '../../src/cli/artifact-commands.ts'

describe('cli/plugin-environment', () => {
  const set = { SALLYPORT_PASSPHRASE: 'secret', NODE_OPTIONS: '', npm_config_registry: 'x', AWS_PROFILE: 'signer' }
  const before = { ...process.env }

  afterEach(() => {
    for (const name of Object.keys(set)) {
      delete process.env[name]
      if (before[name] !== undefined) process.env[name] = before[name]
    }
  })

  it('hands on what devices are reached by, and nothing that is ours or Node’s', () => {
    Object.assign(process.env, set)
    const { environment } = pluginsHere()
    assert.deepEqual([environment['AWS_PROFILE'], environment['PATH']], ['signer', process.env['PATH']])
    assert.deepEqual(
      Object.keys(environment).filter((name) => /^(?:SALLYPORT|NODE|npm)_/.test(name)),
      [],
    )
  })
})
