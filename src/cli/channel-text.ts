/** Reports about channels in words. */
import type { ChannelInitReport, ChannelShowReport, ConfineReport, ExpectReport } from '../index.ts'
import { plain, spanText } from './show.ts'

export function initText(report: ChannelInitReport): string[] {
  if (report.dryRun)
    return [`channel ${report.channel} could be made: ${report.threshold} of ${report.people.join(', ')}`]
  return [
    `channel ${report.channel} (${report.purpose}): ${report.threshold} of ${report.people.length} people (${report.people.join(', ')}) approve a bundle`,
    `root        ${report.root}`,
    `fingerprint ${report.fingerprint ?? ''}`,
    `expires     ${report.rootExpires}`,
    'Give the root to each site, and the fingerprint by another way. Take the root-*.pem keys offline now,',
    "and give every person's key to that person alone.",
  ]
}

export function expectText({ channel, everySeconds, last, dryRun }: ExpectReport): string[] {
  const would = dryRun ? 'would be' : 'is'
  if (everySeconds === null) return [`${channel} ${would} expected no more`]
  return [
    `${channel} ${would} expected every ${spanText(everySeconds)}; ${last === null ? 'none has come yet' : `the last bundle came ${last}`}`,
  ]
}

/** Where content goes, of which the first paths are named. */
function intoText(into: readonly string[] | null): string {
  if (into === null) return 'anywhere'
  const shown = into.slice(0, 3).map(plain).join(', ')
  return `into ${into.length > 3 ? `${shown} and ${into.length - 3} more` : shown} alone`
}

export function confineText({ channel, into, dryRun }: ConfineReport): string[] {
  return [`${channel} ${dryRun ? 'could be allowed to' : 'may'} bring content ${intoText(into)}`]
}

function waitingText(waiting: NonNullable<ChannelShowReport['folder']>['waiting'], dir: string): string[] {
  const rotate = `channel rotate --dir ${plain(dir)}`
  if (waiting === null) return []
  return waiting === 'damaged'
    ? [`what waits for signatures is DAMAGED: sign nothing; take it back by ${rotate} --abandon`]
    : [`root ${waiting} waits for signatures: ${rotate} --key root-NAME.pem`]
}

export function showText({ channels, folder }: ChannelShowReport): string[] {
  if (folder !== undefined) {
    return [
      `channel ${folder.channel} (${folder.purpose}), root ${folder.rootVersion}, expires ${folder.expires}`,
      `fingerprint ${folder.fingerprint}`,
      `${folder.threshold} of ${folder.people.length} people approve: ${folder.people.map(plain).join(', ')}`,
      ...waitingText(folder.waiting, folder.dir),
    ]
  }
  if (channels.length === 0) return ['no channel is pinned']
  return channels.map(
    ({ channel, purpose, fingerprint, rootVersion, expires, lastSequence, everySeconds, into }) =>
      `${channel} (${purpose})  root ${rootVersion} until ${expires.slice(0, 10)}  pinned ${fingerprint}  last sequence ${lastSequence ?? 'none'}${everySeconds === null ? '' : `  expected every ${spanText(everySeconds)}`}${into === null ? '' : `  content ${intoText(into)}`}`,
  )
}
