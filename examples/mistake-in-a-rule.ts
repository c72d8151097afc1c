// Mistakes are found before anything reaches the kernel, with their place and a suggestion.
import { parseRule, RuleError } from 'seawall/rules'

try {
  parseRule('drop if udp.srcprt == 53')
} catch (error) {
  if (!(error instanceof RuleError)) throw error
  console.log(`column ${error.column}: ${error.summary}; ${error.suggestion}`)
}

// Prints:
// column 9: Unknown field "udp.srcprt"; did you mean "udp.srcport"?
