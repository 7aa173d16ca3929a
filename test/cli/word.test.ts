import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { word } from '../../src/cli/show.ts'

/** Names as people and attackers give them; a shell must read each as the one word that it was. */
const NAMES = [
  'june.tar',
  '/srv/out/june 2026.tar',
  "it's.tar",
  '$(touch x).tar',
  '`id`',
  'a;b&c|d<e>f',
  '"quoted"',
  'back\\slash',
  '~root/x',
  '*.tar',
  '!history',
  '#comment',
  'ümlaut',
  "\u001b[2J\u200b'\\x\n.tar",
  'oci:/srv/my layout:app:1.0',
  '',
]

describe('cli/word', () => {
  for (const name of NAMES)
    it(`gives ${JSON.stringify(name)} to a shell as it is`, () => {
      const read = execFileSync('bash', ['--norc', '-c', `printf %s ${word(name)}`], { env: { LC_ALL: 'C.UTF-8' } })
      assert.equal(read.toString(), name)
    })

  it('leaves alone what needs no quotes, and shows no character that a terminal acts on', () => {
    assert.equal(word('out/june.tar'), 'out/june.tar')
    assert.equal(word('oci:DIR:app@sha256:00'), 'oci:DIR:app@sha256:00')
    assert.doesNotMatch(word('\u001b[2J\u202e'), /[\p{Cc}\p{Cf}]/u)
  })

  it('keeps a name that begins with a dash from being read as an option', () => {
    assert.equal(word('-rf.tar'), './-rf.tar')
  })
})
