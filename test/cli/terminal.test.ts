import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { LayoutBuilder } from '../../fixtures/layouts/layout-builder.ts'
import { PASSPHRASE, Stage } from '../transfer/stage.ts'
import { documentIn, sallyport, type Ended } from './program.ts'

/** Clears the screen, hides what follows, writes a title, turns the line around, and is no letter at all. */
const HOSTILE = 'a\u001b[2J\u001b[8m\u0007\u009b31m\u202eelcatso\u2066\u200b\u0000b'
/** What a terminal acts on, but for the end of a line. */
const ACTS = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

function assertHarmless({ stdout, stderr }: Ended, what: string): void {
  for (const text of [stdout, stderr])
    assert.equal(ACTS.exec(text)?.[0].codePointAt(0), undefined, `${what}: ${JSON.stringify(text)}`)
}

describe('cli/terminal', function () {
  this.timeout(120_000)
  let stage: Stage
  let layout: string
  let passphrase: string
  let server: Server | undefined

  before(async () => {
    stage = await Stage.make()
    passphrase = stage.path('pw')
    writeFileSync(passphrase, PASSPHRASE)
    layout = join(stage.dir, 'layout')
    const builder = new LayoutBuilder(layout)
    const image = builder.manifest({
      layers: [builder.blob('text/plain', 'cargo')],
      annotations: { 'org.opencontainers.image.title': HOSTILE, [HOSTILE]: HOSTILE },
    })
    const platform = { os: 'linux', architecture: 'amd64' }
    // Left out, and so named on every page.
    const odd = { ...builder.manifest({ artifactType: 'x/y' }), platform: { os: HOSTILE, architecture: HOSTILE } }
    const index = builder.index({ manifests: [{ ...image, platform }, odd], annotations: { [HOSTILE]: HOSTILE } })
    const referrer = builder.manifest({
      artifactType: 'application/vnd.example.odd',
      subject: index,
      annotations: { [HOSTILE]: HOSTILE },
    })
    builder.tag('registry.example/app', '1', index)
    builder.referrers(index.digest, [{ ...referrer, annotations: { [HOSTILE]: HOSTILE } }])
    builder.finish()
  })

  after(() => {
    server?.close()
    stage?.close()
  })

  const exporting = (output: string, ...refs: string[]): string[] => {
    const given = ['--passphrase-file', passphrase, '--for-site', 'site-a', '--keys', stage.keys]
    return ['export', ...refs, ...given, '-o', output]
  }

  it('shows no character of a bundle that a terminal acts on, whatever it names', async () => {
    const june = stage.path('june.tar')
    const state = await stage.site('site-a', new Date())
    const choice = ['--platform', 'linux/amd64', '--referrers', 'signatures']
    const runs: [string, number, string[]][] = [
      ['export', 3, [...exporting(june, `oci:${layout}`), ...choice]],
      ['inspect', 0, ['inspect', june]],
      ['verify', 3, ['verify', june, '--state', state]],
      ['import', 3, ['import', june, '--to', `oci:${stage.path('out')}`, '--state', state]],
      ['log', 0, ['log', '--state', state]],
      ['status', 0, ['status', '--state', state]],
    ]
    let named = 0
    for (const [what, status, args] of runs) {
      const words = await sallyport(args)
      // 3 where content was left out by choice.
      assert.equal(words.status, status, `${what} ${words.stderr}`)
      assertHarmless(words, what)
      if (words.stdout.includes('elcatso')) named++
      if (what === 'export') continue
      const json = await sallyport([...args, '--json'])
      assertHarmless(json, `${what} as JSON`)
      if (json.stdout.includes('elcatso')) assert.ok(JSON.stringify(documentIn(json.stdout)).includes('\\u001b[2J'))
    }
    // Export, inspect, verify and import name what was left out.
    assert.ok(named >= 4, `it was shown ${named} times only`)
  })

  it('shows none of its own arguments, of a plan or of a reason that way', async () => {
    const plan = stage.path('plan.yaml')
    writeFileSync(plan, `artifacts:\n  - ref: ${JSON.stringify(HOSTILE.replaceAll('\0', ''))}\n`)
    const bad = HOSTILE.replaceAll('\0', '')
    const fresh = stage.path('state')
    const runs: [string, number, string[]][] = [
      ['a reason', 0, ['state', 'init', '--site', 'site-a', '--reason', bad, '--state', fresh]],
      ['the log of it', 0, ['log', '--state', fresh]],
      ['a reference', 2, exporting(stage.path('x'), bad)],
      ['a layout', 2, exporting(stage.path('x'), `oci:${bad}`)],
      ['a plan', 2, ['export', '-f', plan, ...exporting(stage.path('x')).slice(1)]],
      ['a bundle', 2, ['verify', bad, '--state', fresh]],
      ['a command', 2, [bad]],
      ['an option', 2, ['status', `--${bad}`]],
      ['a site', 2, ['state', 'init', '--site', bad, '--reason', 'x', '--state', stage.path('s')]],
      ['a state', 22, ['status', '--state', bad]],
    ]
    for (const [what, status, args] of runs)
      for (const form of [[], ['--json']]) {
        if (form.length > 0 && what === 'a reason') continue
        const ended = await sallyport([...args, ...form])
        assert.equal(ended.status, status, `${what}: ${ended.stderr}${ended.stdout}`)
        assertHarmless(ended, what)
      }
  })

  it('shows nothing of what a registry says that way', async () => {
    const body = JSON.stringify({ errors: [{ code: 'DENIED', message: HOSTILE, detail: HOSTILE }] })
    server = createServer((request, response) => {
      response.writeHead(request.url === '/v2/' ? 200 : 403, { 'content-type': 'application/json' }).end(body)
    })
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    for (const form of [[], ['--json']]) {
      const ended = await sallyport([...exporting(stage.path('x'), `127.0.0.1:${port}/a:1`), ...form])
      assert.equal(ended.status, 20)
      assertHarmless(ended, 'a registry')
    }
  })
})
