package tcx

import "slices"

// The words that the platform knows, as it writes them. It compares them without case.
var (
	// Languages are the values of programLanguage.
	Languages = []string{"PYTHON", "JAVA", "NONE", "NATIVE", "PLAYBOOK"}
	// RuntimeLevels are the values of runtimeLevel.
	RuntimeLevels = []string{
		"Organization", "Playbook", "ApiService", "FeedApiService", "TriggerService", "WebhookTriggerService", "System",
		"SpaceOrganization", "SpaceSystem", "Internal", "StixParser", "ThirdParty", "PlaybookOperator", "AdminService",
	}
	// ParamTypes are the values of a parameter's type.
	ParamTypes = []string{"String", "Choice", "EditChoice", "MultiChoice", "Boolean", "KeyValueList", "StringMixed"}
	// VariableTypes are those of Playbook variables; an App may have others of its own.
	VariableTypes = withArrays("String", "Binary", "KeyValue", "TCEntity", "TCEnhancedEntity", "TCBatch")
	// Features are the known ones of features; there are others.
	Features = []string{
		"fileParams", "secureParams", "aotExecutionEnabled", "runtimeVariables", "redisPasswordSupport", "appBuilderCompliant",
		"layoutEnabledApp", "advancedRequest", "CALSettings", "smtpSettings", "linkApiPath", "webhookResponseMarshall",
		"webhookServiceEndpoint", "webhookDeactivateResponse", "embeddedExecutionEnabled", "restrictAppBuilder",
	}
)

func withArrays(types ...string) []string {
	all := slices.Clone(types)
	for _, t := range types {
		all = append(all, t+"Array")
	}
	return all
}
