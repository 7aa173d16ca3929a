/** No trust on first use: one way leads into a trust store, and a fingerprint that a person said stands before it. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import { acquire, trustPolicyAdd } from '../../../src/transfer/index.ts'
import { openPolicy } from '../../../src/transfer/trust/policy-folder.ts'
import { ACME, Certificates } from '../ca/certificates.ts'
import { artifactIn, checkAt, pemOf, policyFolder, rootOf, signAt, STRANGER, writeFiles } from '../policies.ts'
import { planFor, Stage, tree } from '../stage.ts'

const SRC = join(import.meta.dirname, '../../../src')
/** Every call of `node:fs` that makes, fills or renames a file, and our own that do. */
const WRITES =
  /\b(?:(?:write|append|copy)File|writev?|rename|link|symlink|cp|mkdtemp|mkdir|createWriteStream|open|truncate)(?:Sync)?\(|\b(?:writeNew|writeAll|place(?:File|Whole))(?:Aside)?\(/
/** Whatever may stand for a folder of stores. */
const STORES = /truststore|STORE_FOLDER|storeFolder|['"`/]x509['"`/]/

/** Path below src → its code without comments. */
function sources(): Map<string, string> {
  const files = readdirSync(SRC, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith('.ts'),
  )
  return new Map(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name)
      const code = readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
      return [relative(SRC, path), code]
    }),
  )
}

function having(code: Map<string, string>, ...patterns: RegExp[]): string[] {
  return [...code]
    .filter(([, text]) => patterns.every((pattern) => pattern.test(text)))
    .map(([name]) => name)
    .sort()
}

describe('transfer/trust/first-use', () => {
  const code = sources()
  const store = code.get('transfer/trust/store.ts') ?? ''

  it('finds one file that can write below truststore/, and one that copies a whole folder for notation', () => {
    assert.ok(code.size > 150)
    assert.deepEqual(
      having(code, WRITES, STORES).filter((name) => name !== 'transfer/trust/policy-folder.ts'),
      ['transfer/revocation/notation-config.ts', 'transfer/trust/store.ts'],
    )
    // The copy has what the site's own folder holds: it reads no bundle, no registry and no state.
    const copier = code.get('transfer/revocation/notation-config.ts') ?? ''
    assert.match(copier, /readPolicyFiles\(/)
    const rooms = [...copier.matchAll(/import \{ (.*) \} from '(?:\.\.\/)+(?:bundle|content|registry|state)\//g)]
    assert.deepEqual(
      rooms.map(([, names]) => names),
      ['placeFile, syncFolder'],
    )
    // This one opens files, and only to read them.
    const reader = code.get('transfer/trust/policy-folder.ts') ?? ''
    assert.deepEqual(reader.match(new RegExp(WRITES, 'g')), ['openSync('])
    assert.match(reader, /openSync\(path, constants\.O_RDONLY \|/)
    // Who writes beside the stores names the three files that he writes.
    const editor = code.get('transfer/trust/policy-edit.ts') ?? ''
    assert.deepEqual(editor.match(new RegExp(WRITES, 'g')), ['mkdirSync(', 'placeFile('])
    assert.match(editor, /placeFile\(join\(policy, name\), text, 0o644, scratch\)/)
    assert.match(editor, /const scratch = join\(policy, `\.\$\{name\}\.new`\)/)
    assert.match(editor, /const file = blob \? FILES : files\.has\(NEWER\) \? NEWER : OLDER\n/)
    assert.match(editor, /const names = file !== FILES && files\.has\(NEWER\).* \? \[OLDER, NEWER\] : \[file\]\n/)
  })

  it('writes there in one function, which one function calls, after it has compared fingerprints', () => {
    const functions = store.split(/^(?=(?:export )?(?:async )?function )/m)
    const writing = functions
      .filter((body) => new RegExp(WRITES.source).test(body))
      .map((body) => /function (\w+)/.exec(body)?.[1])
    assert.deepEqual(writing.filter((name) => name !== undefined).sort(), ['place'])
    const callers = functions.filter((body) => /\bplace\(/.test(body) && !body.startsWith('function place('))
    assert.equal(callers.length, 1)
    const [adding = ''] = callers
    assert.match(adding, /^export async function trustStoreAdd\(/)
    const order = [
      'demandFingerprints(certificates, options.fingerprints',
      'anchorFault(certificate',
      'place(policy',
    ].map((part) => adding.indexOf(part))
    assert.ok(
      order.every((at, i) => at > (order[i - 1] ?? 0)),
      order.join(),
    )
    // What is compared and what is written are the same certificates.
    assert.match(adding, /for \(const certificate of certificates\.filter\(\(item\) => !isHeld\(item\)\)\)/)
    assert.match(adding, /place\(policy, file, encodePem\('CERTIFICATE', certificate\.der\)\)/)
  })

  it('has one caller of it, the command that is given fingerprints, and takes none from what was fetched', () => {
    assert.deepEqual(having(code, /\btrustStoreAdd\(/), ['cli/trust-commands.ts', 'transfer/trust/store.ts'])
    const command = code.get('cli/trust-commands.ts') ?? ''
    assert.match(command, /fingerprints: argv\.fingerprint,/)
    assert.equal(command.match(/fingerprints:/g)?.length, 1)
  })

  it('makes the stores that judge out of files alone', () => {
    assert.deepEqual(having(code, /stores\.set\(|new Map<StoreName/), ['trust/material.ts'])
    // Others only look which anchors there are, and where a bundle's own stores are shown.
    const lookers = having(code, /material\??\.stores\b/).filter((name) => !name.startsWith('trust/'))
    assert.deepEqual(lookers, [
      'transfer/collect/demanded.ts',
      'transfer/passage/trust-information.ts',
      'transfer/passage/trust-tree.ts',
      'transfer/verdict/check.ts',
      'transfer/verdict/judge-lying.ts',
    ])
  })

  it('changes no store by any verb that meets certificates on its way', async function () {
    this.timeout(120_000)
    const stage = await Stage.make()
    const certificates = new Certificates()
    try {
      const policy = policyFolder(stage.path('policy'))
      const before = tree(join(policy, 'truststore'))
      const dir = stage.path('layout')
      const builder = new LayoutBuilder(dir)
      artifactIn(builder, 'registry.example/app', '1.0', 'cargo')
      // An artifact that looks like a store.
      builder.tag(
        'registry.example/truststore/x509/ca/vendor',
        'root.crt',
        builder.manifest({ layers: [builder.blob('application/x-pem-file', pemOf(rootOf(STRANGER)))] }),
      )
      builder.finish()
      for (const signer of [STRANGER]) await signAt(`oci:${dir}:1.0`, { signer })
      await checkAt(`oci:${dir}:1.0`, policy)
      await acquire({ from: `oci:${dir}:root.crt`, artifact: true, registry: {} })
      const output = stage.path('june.tar')
      await assert.rejects(stage.export({ output, plan: planFor(`oci:${dir}`), policy }))
      await stage.export({ output, plan: planFor(`oci:${dir}`) })
      const state = await stage.site()
      await stage.verify(output, { state, policy })
      for (const keepGoing of [false, true]) {
        await stage.import(output, `oci:${stage.path('out')}`, { state, policy, keepGoing })
        // Not even when the folder of the policy is the target.
        await assert.rejects(stage.import(output, `oci:${policy}`, { state, keepGoing, channelOnly: true }))
        await assert.rejects(
          stage.import(output, `oci:${join(policy, 'truststore/x509/ca/vendor')}`, {
            state,
            keepGoing,
            channelOnly: true,
          }),
        )
      }
      await trustPolicyAdd({
        policy,
        name: 'more',
        scopes: ['registry.site/more'],
        stores: ['ca:stranger'],
        identities: ['*'],
        level: 'strict',
        revocation: 'skip',
      })
      assert.deepEqual(tree(join(policy, 'truststore')), before)
      assert.equal(openPolicy(policy).stores.size, 1)

      // An authority made inside a store lays keys beside its roots: that is no store, and nobody is believed by it.
      await certificates.init({ dir: join(policy, 'truststore/x509/ca/own'), preset: 'hobbyist', subject: ACME })
      assert.throws(() => openPolicy(policy), /trust store/)
    } finally {
      certificates.close()
      stage.close()
    }
  })

  it('believes nobody by a certificate that lies anywhere else in the folder', () => {
    const stage = policyFolder(join(certificatesDir(), 'policy'))
    const { digest } = openPolicy(stage)
    writeFiles(stage, {
      'root.crt': pemOf(rootOf(STRANGER)),
      'localkeys/ca.crt': pemOf(rootOf(STRANGER)),
      'x509/ca/vendor/root.crt': pemOf(rootOf(STRANGER)),
      '.truststore/x509/ca/vendor/root.crt': pemOf(rootOf(STRANGER)),
    })
    assert.equal(openPolicy(stage).digest, digest)
    assert.equal(openPolicy(stage).stores.get('ca:vendor')?.length, 1)
  })

  const opened: Certificates[] = []
  function certificatesDir(): string {
    const made = new Certificates()
    opened.push(made)
    return made.dir
  }
  after(() => {
    for (const made of opened) made.close()
  })
})
