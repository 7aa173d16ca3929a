import assert from 'node:assert/strict'
import { plainUsage } from '../../src/cli/yargs-text.ts'
import { documentIn, sallyport } from './program.ts'

describe('cli/yargs-text', () => {
  it('gives one line that names options as they are typed', () => {
    for (const [said, text] of [
      ['Missing required argument: reason', 'missing: --reason'],
      ['Missing required arguments: reason, o', 'missing: --reason, -o'],
      ['Did you mean export?', 'there is no such command; did you mean export?'],
      ['Implications failed:\n accept-loss -> reason', '--accept-loss goes with --reason'],
      ['Unknown argument: x', 'Unknown argument: x'],
      [undefined, undefined],
    ] as const)
      assert.equal(plainUsage(said), text)
  })

  it('tells a value that is none of the choices without a line break', async () => {
    const { stdout } = await sallyport(['channel', 'init', 'x', '--for', 'fun', '--dir', 'd', '--json'])
    const { code, message } = documentIn(stdout).error
    assert.equal(code, 'USAGE')
    assert.match(message, /: --for is "fun", and may be "content", "trust", "revocation"$/)
  })

  it('asks an export without anything for something to export', async () => {
    const { stderr } = await sallyport(['export', '--keys', 'k', '-o', 'x.tar'])
    assert.match(stderr, /name what to export/)
    assert.doesNotMatch(stderr, /not both/)
  })
})
