import assert from 'node:assert/strict'
import { isFault } from '../../src/errors/index.ts'
import { isHost, isRepositoryPath, isTag, parseReference, repositoryName, type Reference } from '../../src/oci/index.ts'

const digest = `sha256:${'a'.repeat(64)}` as const
const hub = (path: string, more: Partial<Reference> = {}): Reference => ({ host: 'docker.io', path, ...more })

const TAKEN: Record<string, Reference> = {
  alpine: hub('library/alpine'),
  'alpine:3.20': hub('library/alpine', { tag: '3.20' }),
  'acme/app': hub('acme/app'),
  'docker.io/alpine': hub('library/alpine'),
  'docker.io/acme/app:1': hub('acme/app', { tag: '1' }),
  'localhost/app': { host: 'localhost', path: 'app' },
  'localhost:5000/app': { host: 'localhost:5000', path: 'app' },
  // As docker reads it: a name and a tag, since there is no slash.
  'localhost:5000': hub('library/localhost', { tag: '5000' }),
  'host.example/a/b/c/d:1_2.3-4': { host: 'host.example', path: 'a/b/c/d', tag: '1_2.3-4' },
  'host.example:443/a': { host: 'host.example:443', path: 'a' },
  '127.0.0.1:5000/a:b': { host: '127.0.0.1:5000', path: 'a', tag: 'b' },
  '[::1]:5000/a:b': { host: '[::1]:5000', path: 'a', tag: 'b' },
  '[2001:db8::1]/a': { host: '[2001:db8::1]', path: 'a' },
  'HOST.example/a': { host: 'HOST.example', path: 'a' },
  [`alpine@${digest}`]: hub('library/alpine', { digest }),
  [`host.example/a:1@${digest}`]: { host: 'host.example', path: 'a', tag: '1', digest },
  'host.example/a__b/c-d/e--f/g.h/i_j': { host: 'host.example', path: 'a__b/c-d/e--f/g.h/i_j' },
}

const REFUSED: readonly string[] = [
  [
    '',
    ':',
    '@',
    '/',
    '//',
    ':1',
    '/a',
    'a/',
    'a//b',
    'a:',
    'a:1:2',
    'a@',
    'a@sha256',
    'a@sha256:',
    'a@latest',
    '@latest',
  ],
  [`a@${digest}@${digest}`, `a@${digest}:1`, `a@${digest.toUpperCase()}`, `a@${digest.slice(0, -1)}`, `@${digest}`],
  ['A', 'Alpine', 'host.example/A', 'host.example/a/B:1', 'Host/a', 'a b', ' a', 'a ', 'a\n', 'a\tb', 'a\0', 'a:1 '],
  [
    '..',
    '../a',
    'a/..',
    'a/../b',
    'host.example/..',
    'host.example/../a',
    'host.example/./a',
    '.',
    './a',
    'a/.b',
    'a/b.',
  ],
  ['a..b', 'a___b', 'a._b', '_a', 'a_', '-a', 'a-', 'a/-b', 'host.example/', 'host.example/:1', 'host.example:/a'],
  ['https://host.example/a', 'http://a', 'docker://a', 'host.example/a?b', 'host.example/a#b', 'host.example/a%2f'],
  [
    'user@host.example/a',
    'user:pw@host.example/a',
    'host.example:port/a',
    'host.example:123456/a',
    'host.example\\a',
    'a\\b',
  ],
  [
    '[::1/a',
    '::1]/a',
    '[::g]/a',
    '[]/a',
    '-host.example/a',
    'host.example-/a',
    '.example/a',
    'host.example./a',
    'höst.example/a',
  ],
  [
    'a:.1',
    'a:-1',
    'a:+1',
    'a:ü',
    'a:\u202e1',
    `a:${'t'.repeat(129)}`,
    'аlpine',
    'a/ſ',
    `host.example/${'a'.repeat(256)}`,
  ],
].flat()

describe('oci/reference', () => {
  for (const [text, reference] of Object.entries(TAKEN))
    it(`reads ${text.slice(0, 60)}`, () => assert.deepEqual(parseReference(text), reference))

  for (const text of REFUSED)
    it(`refuses ${JSON.stringify(text).slice(0, 60)}`, () =>
      assert.throws(
        () => parseReference(text, 'target'),
        (error) =>
          isFault(error, 'REFERENCE_INVALID') && error.side === 'target' && (error.subject ?? '').length <= 300,
      ))

  it('reads its own names again', () => {
    for (const reference of Object.values(TAKEN)) {
      const { tag: _, digest: __, ...bare } = reference
      assert.deepEqual(parseReference(repositoryName(reference)), bare)
    }
  })

  it('takes tags and paths up to their caps, and not beyond', () => {
    assert.deepEqual([isTag('t'.repeat(128)), isTag('t'.repeat(129)), isTag('')], [true, false, false])
    assert.deepEqual([isRepositoryPath('a'.repeat(255)), isRepositoryPath('a'.repeat(256))], [true, false])
    assert.deepEqual([isHost('a'), isHost('a:1'), isHost('a:'), isHost('')], [true, true, false, false])
  })

  it('takes no longer for a text made to make it backtrack', () => {
    const started = performance.now()
    for (const part of ['a-', 'a_', 'a.', 'a/', '-', 'a--', '[:', ':'])
      for (const end of ['', '!', 'A']) {
        const text = part.repeat(50_000) + end
        for (const is of [isTag, isHost, isRepositoryPath]) is(text)
        assert.throws(() => parseReference(text))
      }
    assert.ok(performance.now() - started < 5_000)
  })
})
