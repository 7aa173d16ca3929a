import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { documentIn, sallyport } from './program.ts'

const COMMANDS = [
  'channel init',
  'channel rotate',
  'channel pin',
  'channel unpin',
  'channel expect',
  'channel confine',
  'channel show',
  'export',
  'approve',
  'inspect',
  'verify',
  'import',
  'watch',
  'sign',
  'check',
  'ca init',
  'ca issue',
  'ca revoke',
  'ca crl',
  'ca show',
  'revocation collect',
  'revocation deny',
  'revocation status',
  'revocation affected',
  'revocation judge',
  'revocation seed',
  'trust store add',
  'trust store list',
  'trust store remove',
  'trust policy add',
  'trust policy remove',
  'trust policy check',
  'trust policy show',
  'trust policy explain',
  'quarantine list',
  'quarantine approve',
  'quarantine release',
  'restore',
  'state init',
  'state check',
  'state rebuild',
  'state backup',
  'state forget',
  'state restore',
  'status',
  'log',
]

describe('cli/help', () => {
  it('names the version of package.json', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    for (const args of [['--version'], ['verify', '--version']]) {
      const { status, stdout, stderr } = await sallyport(args)
      assert.deepEqual([status, stdout, stderr], [0, `${version}\n`, ''], args.join(' '))
    }
  })

  it('lists every command, and the exit codes', async () => {
    const { status, stdout, stderr } = await sallyport(['--help'])
    assert.deepEqual([status, stderr], [0, ''])
    for (const name of new Set(COMMANDS.map((command) => command.split(' ')[0])))
      assert.match(stdout, new RegExp(`^ +sallyport ${name}\\b`, 'm'))
    for (const exit of [0, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21, 22, 130])
      assert.match(stdout, new RegExp(`\\b${exit}\\s`), String(exit))
  })

  for (const command of COMMANDS) {
    it(`shows two examples of ${command}, and what it says fits a line`, async () => {
      const { status, stdout, stderr } = await sallyport([...command.split(' '), '--help'])
      assert.deepEqual([status, stderr], [0, ''])
      const examples = stdout.slice(stdout.indexOf('Examples:'))
      const found = examples.split('\n').filter((line) => new RegExp(`\\bsallyport ${command}\\b`).test(line))
      assert.equal(found.length, 2, examples)
      for (const line of stdout.split('\n')) assert.ok(line.length <= 120, line)
    })
  }

  for (const [what, args, says] of [
    ['no command', [], /name a command/],
    ['a command that does not exist', ['exprot'], /export/],
    ['a noun without its command', ['state'], /state needs a command/],
    ['a missing option', ['import', 'x.tar'], /\bto\b/],
    ['an option that does not exist', ['status', '--staet', 'x'], /staet/],
    ['a value that is none of the choices', ['channel', 'init', 'x', '--for', 'fun', '--dir', 'd'], /content/],
    ['an option without its value', ['verify', 'x.tar', '--state'], /argument|value/i],
    ['one word too many', ['inspect', 'a.tar', 'b.tar'], /b\.tar/],
    ['a number that is none', ['export', 'a/b:1', '--keys', 'k', '-o', 'x', '--concurrency', 'many'], /concurrency/],
    ['references and a plan at once', ['export', 'a/b:1', '-f', 'p', '--keys', 'k', '-o', 'x'], /not both/],
  ] as const) {
    it(`refuses ${what} with 2, in words and as JSON`, async () => {
      const words = await sallyport(args)
      assert.deepEqual([words.status, words.stdout], [2, ''])
      assert.match(words.stderr, /^sallyport: USAGE/)
      assert.match(words.stderr, says)
      const json = await sallyport([...args, '--json'])
      const { ok, exit, error } = documentIn(json.stdout)
      assert.deepEqual([json.status, ok, exit, error.code, json.stderr], [2, false, 2, 'USAGE', ''])
    })
  }
})
