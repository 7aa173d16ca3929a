/** The page of commands and options says what the parser is told, and what the help of the real program says. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commands, commandsDocument } from '../../bundles/make-commands.ts'
import { sallyport } from '../cli/program.ts'

const BUNDLES = join(import.meta.dirname, '..', '..', 'bundles')
const COMMON = ['--json', '--quiet', '--version', '--help']

const verbOf = (usage: string): string => usage.replace(/ [<[].*/, '')

describe('docs/commands', () => {
  it('is what the script makes', () => {
    assert.equal(readFileSync(join(BUNDLES, 'COMMANDS.md'), 'utf8'), commandsDocument())
  })

  it('describes every option and shows examples of every command', () => {
    assert.ok(commands().length > 40)
    for (const { usage, describe, options, examples } of commands()) {
      assert.ok(describe !== '' && examples.length > 0, usage)
      for (const { name, spec } of options) assert.ok((spec.describe ?? '') !== '', `${usage} --${name}`)
    }
  })

  for (const { usage, options } of commands())
    it(`names the options that the help names: ${verbOf(usage)}`, async () => {
      const { status, stdout } = await sallyport([...verbOf(usage).split(' '), '--help'])
      assert.equal(status, 0)
      const listed = [...stdout.matchAll(/^ {2}(?: {4}|-\w, )(--[a-z-]+)/gm)].map(([, name = '']) => name)
      const named = [...options.map(({ name }) => `--${name}`), ...COMMON]
      assert.deepEqual(listed.sort(), named.sort())
    })
})
