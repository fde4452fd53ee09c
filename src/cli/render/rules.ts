import { Document, Scalar, visit } from 'yaml';
import type { Config } from '../../config/scrape-config.ts';
import type { RelabelRule } from '../../labels/relabel.ts';
import { hasUnseen } from '../../safe-text/unseen.ts';

/**
 * The relabel rules of all jobs as part of a config, with what their annotation presets stand for: in the place of a preset
 * they do the same, and can be changed.
 */
export function rulesYaml({ scrapeConfigs }: Config): string {
  const jobs = scrapeConfigs.map((job) => {
    const ofProfiles = [...job.profiles.values()].filter(({ relabelRules }) => relabelRules.length > 0);
    return {
      'job-name': job.jobName,
      'enabled-profiles': job.enabledProfiles,
      ...(job.relabelRules.length > 0 && { 'relabel-configs': job.relabelRules.map(written) }),
      ...(ofProfiles.length > 0 && {
        profiles: Object.fromEntries(
          ofProfiles.map(({ name, relabelRules }) => [name, { 'relabel-configs': relabelRules.map(written) }]),
        ),
      }),
    };
  });
  const document = new Document({ 'scrape-configs': jobs }, { aliasDuplicateObjects: false });
  // Only double quotes have escapes for what is unseen.
  visit(document, {
    Scalar(_key, scalar) {
      if (typeof scalar.value === 'string' && hasUnseen(scalar.value)) scalar.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER });
}

/** Only the keys that are not left to their defaults, as a person writes them. */
function written({ written: rule }: RelabelRule): Record<string, unknown> {
  return {
    ...(rule.action !== undefined && { action: rule.action }),
    ...(rule.sourceLabels && { 'source-labels': rule.sourceLabels }),
    ...(rule.separator !== undefined && { separator: rule.separator }),
    ...(rule.regex !== undefined && { regex: rule.regex }),
    ...(rule.modulus !== undefined && { modulus: rule.modulus }),
    ...(rule.targetLabel !== undefined && { 'target-label': rule.targetLabel }),
    ...(rule.replacement !== undefined && { replacement: rule.replacement }),
  };
}
