/** What a person reads of a rotation. */
import type { ChannelRotateReport } from '../index.ts'
import { plain } from './show.ts'

const HEADS: Record<ChannelRotateReport['phase'], (root: string) => string> = {
  planned: (root) => `${root} could be made`,
  waiting: (root) => `${root} waits for signatures`,
  'in force': (root) => `${root} is in force`,
  'was in force': (root) => `${root} was in force already, by a run before; this one made nothing`,
  abandoned: (root) => `${root} was taken back`,
}

/** All that the new root says, for a person who decides about it. */
export function rotationLines(report: ChannelRotateReport): string[] {
  const { channel, purpose, version, id, people, threshold, rootThreshold, keys, signed } = report
  const roots = rootThreshold === threshold ? 'bundles and roots' : `bundles, ${rootThreshold} roots`
  return [
    `signed for  channel ${channel} (${purpose}), root ${version}`,
    `first root  ${report.first}`,
    `follows     root ${version - 1}, ${report.follows}`,
    ...(id === null ? [] : [`id          ${id}`]),
    `people      ${threshold} of ${people.map(plain).join(', ')} sign ${roots}`,
    `expires     ${report.rootExpires}`,
    ...keys.map(({ is, role, holder, keyid, file }) =>
      [is.padEnd(11), role.padEnd(9), plain(holder), plain(keyid ?? '(not made yet)'), plain(file)].join(' '),
    ),
    ...(signed === null
      ? []
      : [
          `signed      by ${signed.before.signed} of ${signed.before.threshold} root keys of version ${version - 1}, and by ${signed.own.signed} of ${signed.own.threshold} of its own`,
        ]),
  ]
}

export function rotateText(report: ChannelRotateReport, dir: string, dryRun: boolean): string[] {
  const { channel, purpose, phase, version, id, missing, keys } = report
  const head = dryRun && phase === 'abandoned' ? `root ${version} would be taken back` : HEADS[phase](`root ${version}`)
  const lines = [`channel ${channel} (${purpose}): ${head}`]
  if (phase === 'abandoned') return lines
  lines.push(...rotationLines(report))
  if (phase === 'waiting')
    lines.push(
      `may sign    ${missing.map(plain).join(', ')}`,
      `Each compares the first root, the one it follows and the id with yours, and runs: sallyport channel rotate --dir ${plain(dir)} --key root-NAME.pem --id ${id}`,
    )
  if (phase === 'in force' || phase === 'was in force')
    lines.push(
      `root        ${plain(report.root)}`,
      `fingerprint ${report.fingerprint}`,
      'Sites follow it with the next bundle; one that pins the channel from now on takes this root and fingerprint.',
      ...(report.countersBeginAgain === true
        ? ['They then begin to count anew, and take no head any more that only the old host keys signed.']
        : []),
      ...(keys.some(({ role, is }) => role === 'root' && is === 'new')
        ? ['Take the new root-*.pem keys offline now.']
        : []),
      ...(keys.some(({ is }) => is === 'retired') ? ['Destroy the files of retired keys.'] : []),
    )
  return lines
}
