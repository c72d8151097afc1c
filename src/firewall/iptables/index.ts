/** The firewall in iptables, for hosts where XDP is not to be used. */
export { IptablesError, type IptablesErrorCode } from './errors.ts'
export { Iptables, type IptablesInput, type IptablesOptions } from './iptables.ts'
export type { Variant } from './tools.ts'
export { type TranslateInput, type Translation, translate } from './translate.ts'
export type {
  IptablesChange,
  IptablesCommit,
  IptablesPlan,
  IptablesResult,
  IptablesRuleStatus,
  IptablesStatus,
} from './types.ts'
