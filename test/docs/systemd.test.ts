/** The unit files that are shipped: systemd's own judgement, and each command line run as systemd would. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import { documentIn, MAIN, sallyport } from '../cli/program.ts'
import { planFor, Stage } from '../transfer/stage.ts'
import { RevocationWorld, SITE } from '../transfer/revocation-world.ts'
import { need, needStrace } from '../need.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const FOLDER = join(ROOT, 'bundles', 'systemd')
const PROGRAM = '/usr/bin/sallyport'

const names = readdirSync(FOLDER).filter((name) => /\.(?:service|timer)$/.test(name))
const services = names.filter((name) => name.endsWith('.service'))

/** All values of a setting, in their order. */
function settings(unit: string, key: string): string[] {
  const lines = readFileSync(join(FOLDER, unit), 'utf8').split('\n')
  return lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1))
}

/** The words of a command line of systemd, with its variables and specifiers filled in. */
function words(line: string, environment: Record<string, string>): string[] {
  const found = line.match(/'[^']*'|"[^"]*"|\S+/g) ?? []
  return found.flatMap((raw) => {
    const word = raw.replace(/^(['"])(.*)\1$/s, '$2').replaceAll('%%', '%')
    const whole = /^\$([A-Z]+)$/.exec(word)
    // Without braces a variable is as many words as it has.
    if (whole !== null) return (environment[whole[1] ?? ''] ?? '').split(/\s+/).filter((part) => part !== '')
    return [
      word.replace(/\$\$|\$\{([A-Z]+)\}/g, (all, name: string) => (all === '$$' ? '$' : (environment[name] ?? ''))),
    ]
  })
}

function environmentOf(unit: string, over: Record<string, string>): Record<string, string> {
  const pairs = settings(unit, 'Environment').map((value) => /^"?([A-Z]+)=(.*?)"?$/.exec(value))
  return { ...Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? ''])), ...over }
}

/** Verb and options that a unit calls the program with. */
function callOf(unit: string): { verb: string[]; options: string[] } {
  const line = settings(unit, 'ExecStart')[0] ?? ''
  const call = line.slice(line.indexOf(`${PROGRAM} `) + PROGRAM.length + 1)
  const verb = (/^[a-z]+(?: [a-z]+)*/.exec(call)?.[0] ?? '').split(' ')
  return {
    verb,
    options: [...`${line} ${settings(unit, 'Environment').join(' ')}`.matchAll(/ (--?[a-z][a-z-]*)/g)].map(
      ([, name = '']) => name,
    ),
  }
}

describe('docs/systemd', function () {
  this.timeout(120_000)
  let stage: Stage
  let bundle: string
  before(async () => {
    stage = await Stage.make()
    const layout = stage.path('layout')
    await buildDemoLayout(layout)
    bundle = stage.path('june.tar')
    await stage.export({ output: bundle, plan: planFor(`oci:${layout}`), now: new Date(Date.now() - 3_600_000) })
  })
  after(() => stage?.close())

  /** The units with the program where it is here. */
  function installed(): { dir: string; program: string } {
    const dir = stage.path('units')
    mkdirSync(dir)
    const program = join(dir, 'sallyport')
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
    chmodSync(program, 0o755)
    for (const name of names)
      writeFileSync(join(dir, name), readFileSync(join(FOLDER, name), 'utf8').replaceAll(PROGRAM, program))
    return { dir, program }
  }

  it('are in the package', () => {
    const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] }
    assert.ok(files.includes('bundles/systemd'))
    assert.deepEqual(names.map((name) => name.replace(/-.*\./, ' ')).sort(), [
      'sallyport service',
      'sallyport service',
      'sallyport service',
      'sallyport timer',
      'sallyport timer',
    ])
  })

  for (const unit of services)
    it(`call what exists: ${unit}`, async () => {
      const { verb, options } = callOf(unit)
      const { status, stdout } = await sallyport([...verb, '--help'])
      assert.equal(status, 0, verb.join(' '))
      assert.ok(stdout.includes(`sallyport ${verb.join(' ')}`), stdout)
      for (const option of options.filter((name) => name !== '-c' && name !== '-u'))
        assert.match(stdout, new RegExp(`(?:^|\\s)${option}\\b`, 'm'), option)
    })

  it('are what systemd takes, and close to the world', function () {
    need(this, spawnSync('systemd-analyze', ['--version']).status === 0, 'systemd-analyze is missing')
    const { dir } = installed()
    const verified = spawnSync('systemd-analyze', ['verify', ...names.map((name) => join(dir, name))])
    assert.deepEqual([verified.status, String(verified.stderr)], [0, ''])
    for (const unit of services) {
      const args = ['security', '--offline=true', '--threshold=20', join(dir, unit)]
      const judged = spawnSync('systemd-analyze', args)
      assert.equal(judged.status, 0, String(judged.stdout).split('\n').slice(-3).join('\n'))
    }
  })

  it('allow the system calls that an import makes', async function () {
    const listed = spawnSync('systemd-analyze', ['syscall-filter'])
    need(this, listed.status === 0, 'systemd-analyze is missing')
    needStrace(this)
    const sets = new Map<string, string[]>()
    let set = ''
    for (const line of String(listed.stdout).split('\n')) {
      if (line.startsWith('@')) sets.set((set = line.trim()), [])
      else if (/^ {4}[@a-z]/.test(line)) sets.get(set)?.push(line.trim())
    }
    const calls = (name: string): string[] => (name.startsWith('@') ? (sets.get(name) ?? []).flatMap(calls) : [name])
    const allowed = new Set(calls('@system-service'))
    // Those of both are refused with EPERM, which kills nothing.
    const refused = new Set([...calls('@privileged'), ...calls('@resources')])
    const inbox = stage.path('inbox')
    mkdirSync(inbox)
    copyFileSync(bundle, join(inbox, 'june.tar'))
    const log = stage.path('strace')
    const state = await stage.site()
    const watch = ['watch', inbox, '--to', `oci:${stage.path('out')}`, '--state', state, '--once']
    const run = spawnSync('strace', ['-f', '-o', log, process.execPath, MAIN, ...watch])
    assert.equal(run.status, 0, String(run.stderr))
    const calling = /^\d+ +([a-z_0-9]+)\(/gm
    const made = new Set([...readFileSync(log, 'latin1').matchAll(calling)].map(([, name = '']) => name))
    assert.ok(made.size > 20)
    assert.deepEqual(
      [...made].filter((name) => !allowed.has(name)),
      [],
    )
    console.log(`      ${made.size} system calls; refused: ${[...made].filter((name) => refused.has(name)).join(', ')}`)
  })

  it('watch, and tell of silence, by their own command lines', async () => {
    const { program } = installed()
    const [inbox, state, run] = [stage.path('inbox'), await stage.site(), stage.path('run')]
    for (const dir of [inbox, run]) mkdirSync(dir)
    copyFileSync(bundle, join(inbox, 'june.tar'))
    const over = { INBOX: inbox, TO: `oci:${stage.path('out')}`, OPTIONS: '' }
    const line = (unit: string): string[] =>
      words(settings(unit, 'ExecStart')[0] ?? '', environmentOf(unit, over)).map((word) =>
        word.replace(PROGRAM, program).replace('/var/lib/sallyport/state', state).replace('/run/sallyport', run),
      )
    const [command = '', ...args] = line('sallyport-watch.service')
    const watching = spawn(command, args, { stdio: 'ignore' })
    const ended = new Promise((resolve) => watching.once('close', resolve))
    for (let tries = 0; !existsSync(join(inbox, 'done', 'june.tar')); tries++) {
      assert.ok(tries < 1000 && watching.exitCode === null, `${watching.exitCode}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    while (!existsSync(join(run, 'sallyport.prom'))) await new Promise((resolve) => setTimeout(resolve, 20))
    watching.kill('SIGTERM')
    assert.equal(await ended, 0)
    assert.ok(existsSync(join(run, 'status.json')))
    const [status = '', ...told] = line('sallyport-status.service')
    assert.equal(spawnSync(status, told).status, 0)
    await sallyport(['channel', 'expect', 'vendor-a', '--every', '1s', '--state', state])
    await new Promise((resolve) => setTimeout(resolve, 2100))
    assert.equal(spawnSync(status, told).status, 15)
  })

  it('collect, by their own command line', async () => {
    const { program } = installed()
    const world = await RevocationWorld.open()
    try {
      const keys = await world.channel('revocation')
      const lists = world.path('lists')
      const out = world.path('out')
      for (const dir of [lists, out]) mkdirSync(dir)
      writeFileSync(join(lists, 'root.crl'), world.list(world.root))
      writeFileSync(join(lists, 'ca.crl'), world.list(world.issuing))
      writeFileSync(join(lists, 'answer.der'), world.answer())
      writeFileSync(join(out, 'passphrase'), await world.passphrase())
      const plan = world.path('plan.yaml')
      const revocation = { collect: 'folder', from: lists, chains: [world.chainFile()] }
      writeFileSync(plan, JSON.stringify({ audience: [SITE], revocation }))
      const unit = 'sallyport-collect.service'
      const environment = { ...environmentOf(unit, { PLAN: plan, KEYS: keys }), CREDENTIALS_DIRECTORY: out }
      const [shell = '', ...args] = words(settings(unit, 'ExecStart')[0] ?? '', environment).map((word) =>
        word.replace(PROGRAM, program).replace('/var/lib/sallyport-out', out),
      )
      const ended = spawnSync(shell, args, { env: { ...process.env, ...environment } })
      assert.equal(ended.status, 0, String(ended.stderr))
      const [file = ''] = readdirSync(out).filter((name) => name.endsWith('.tar'))
      assert.match(file, /^revocation-\d{8}T\d{6}Z\.tar$/)
      const inspected = await sallyport(['inspect', join(out, file), '--json'])
      assert.equal(documentIn(inspected.stdout).report['purpose'], 'revocation')
    } finally {
      await world.close()
    }
  })
})
