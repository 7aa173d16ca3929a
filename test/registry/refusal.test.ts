import assert from 'node:assert/strict'
import type { Code } from '../../src/errors/index.ts'
import { readErrorBody, refusal, type Purpose } from '../../src/registry/refusal.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const CHILD = `sha256:${'b'.repeat(64)}`

function bodyOf(code: string, message?: unknown, detail?: unknown): Buffer {
  return Buffer.from(JSON.stringify({ errors: [{ code, message, detail }] }))
}

function codeOf(status: number, body: Uint8Array, purpose: Purpose, subject = `harbor.site/a/b@${DIGEST}`): Code {
  return refusal(status, body, purpose, 'target', subject).code
}

/** Names that an operator or a sender may choose, each a word that a registry's own prose has too. */
const NAMES = [
  'myproject/app',
  'project',
  'repository',
  'project/repository',
  'team/quota-svc',
  'quota/exceeded',
  'storage/limit',
  'immutable/base',
  `${'p'.repeat(120)}/${'q'.repeat(200)}`,
]

describe('registry/refusal', () => {
  for (const name of NAMES) {
    it(`says what is missed in a repository called ${name.slice(0, 20)}`, () => {
      for (const message of [
        `artifact ${name}@${DIGEST} not found`,
        `artifact ${name}:1.0 not found`,
        `no artifact ${DIGEST} under the repository ${name}: not found`,
        `tag 1.0 under the repository ${name} not found`,
      ])
        assert.equal(codeOf(404, bodyOf('NOT_FOUND', message), 'manifest'), 'MANIFEST_MISSING', message)
      for (const message of [`repository ${name} not found`, `project ${name.split('/')[0] ?? ''} not found`])
        assert.equal(codeOf(404, bodyOf('NOT_FOUND', message), 'manifest'), 'REPOSITORY_MISSING', message)
    })

    it(`says what is denied to a repository called ${name.slice(0, 20)}`, () => {
      const denied = 'requested access to the resource is denied'
      for (const body of [
        bodyOf('DENIED', denied, [{ Type: 'repository', Class: '', Name: name, Action: 'push' }]),
        bodyOf('DENIED', denied, name),
        bodyOf('DENIED', `no push to ${name}@${DIGEST}`),
        bodyOf('DENIED', `no push to '${name}': ${denied}`),
        Buffer.from(`no push to "${name}": ${denied}`),
      ])
        for (const purpose of ['push', 'push-index', 'tag'] as const)
          assert.equal(codeOf(403, body, purpose), 'REGISTRY_DENIED', body.toString())
    })

    it(`says that there is no room, or that a tag stays, for a repository called ${name.slice(0, 20)}`, () => {
      const full = `${name}: adding 5.0 KiB of storage resource, which when updated to current usage of 10.0 MiB will exceed the configured upper limit of 10.0 MiB.`
      for (const message of [full, `Quota has been exceeded on namespace ${name}`])
        assert.equal(codeOf(403, bodyOf('DENIED', message), 'push'), 'QUOTA_EXCEEDED', message)
      for (const message of [
        `Failed to process request due to '${name}:1.0' configured as immutable.`,
        `cannot update tag 1.0 of ${name}. The repository has enabled tag immutability`,
        `The image tag '1.0' already exists in the '${name}' repository and cannot be overwritten because the repository is immutable.`,
      ])
        assert.equal(codeOf(412, bodyOf('PRECONDITION', message), 'tag'), 'TAG_IMMUTABLE', message)
    })
  }

  it('takes a tag for movable whatever it is called', () => {
    const denied = bodyOf('DENIED', 'no push to a/b:immutable by jane')
    assert.equal(codeOf(403, denied, 'tag', 'harbor.site/a/b:immutable'), 'REGISTRY_DENIED')
  })

  it('tells a child that an index is refused for from the index itself', () => {
    const invalid = (digest: string): Buffer => bodyOf('MANIFEST_INVALID', `manifest invalid: ${digest}`)
    assert.equal(codeOf(400, invalid(CHILD), 'push-index'), 'SPARSE_REFUSED')
    assert.equal(codeOf(400, invalid(DIGEST), 'push-index'), 'PUSH_REFUSED')
    const far = bodyOf('MANIFEST_INVALID', 'invalid', { path: 'p'.repeat(400), child: CHILD })
    assert.equal(codeOf(400, far, 'push-index'), 'SPARSE_REFUSED')
  })

  it('reads a long message without spaces in no time', () => {
    const began = performance.now()
    for (const long of ['a'.repeat(60_000), "'".repeat(60_000), 'a/'.repeat(30_000), `"${'quota '.repeat(9_000)}`])
      readErrorBody(bodyOf('DENIED', long))
    assert.ok(performance.now() - began < 2_000)
  })
})
