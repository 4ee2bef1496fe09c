package batch

// IndicatorType is one type of indicators, as /v2/types/indicatorTypes has it. Booleans are text
// there.
type IndicatorType struct {
	Name           string `json:"name"`
	Custom         string `json:"custom"`
	Parsable       string `json:"parsable"`
	APIBranch      string `json:"apiBranch"`
	APIEntity      string `json:"apiEntity"`
	CasePreference string `json:"casePreference,omitempty"`
	Value1Label    string `json:"value1Label,omitempty"`
	Value1Type     string `json:"value1Type,omitempty"`
	Value2Label    string `json:"value2Label,omitempty"`
	Value2Type     string `json:"value2Type,omitempty"`
	Value3Label    string `json:"value3Label,omitempty"`
	Value3Type     string `json:"value3Type,omitempty"`
}

// IndicatorTypes are those that every instance of the platform has.
var IndicatorTypes = []IndicatorType{
	{Name: "Address", Custom: "false", Parsable: "true", APIBranch: "addresses", APIEntity: "address"},
	{Name: "EmailAddress", Custom: "false", Parsable: "true", APIBranch: "emailAddresses", APIEntity: "emailAddress"},
	{Name: "File", Custom: "false", Parsable: "true", APIBranch: "files", APIEntity: "file",
		Value1Label: "MD5", Value1Type: "text", Value2Label: "SHA1", Value2Type: "text", Value3Label: "SHA256", Value3Type: "text"},
	{Name: "Host", Custom: "false", Parsable: "true", APIBranch: "hosts", APIEntity: "host"},
	{Name: "URL", Custom: "false", Parsable: "true", APIBranch: "urls", APIEntity: "url"},
	{Name: "ASN", Custom: "true", Parsable: "true", APIBranch: "asns", APIEntity: "asn", CasePreference: "upper", Value1Label: "AS Number", Value1Type: "text"},
	{Name: "CIDR", Custom: "true", Parsable: "true", APIBranch: "cidrBlocks", APIEntity: "cidrBlock", CasePreference: "upper", Value1Label: "Block", Value1Type: "text"},
	{Name: "Email Subject", Custom: "true", Parsable: "false", APIBranch: "emailSubjects", APIEntity: "emailSubject", CasePreference: "sensitive", Value1Label: "Subject", Value1Type: "text"},
	{Name: "Hashtag", Custom: "true", Parsable: "false", APIBranch: "hashtags", APIEntity: "hashtag", CasePreference: "lower", Value1Label: "Hashtag", Value1Type: "text"},
	{Name: "Mutex", Custom: "true", Parsable: "false", APIBranch: "mutexes", APIEntity: "mutex", CasePreference: "sensitive", Value1Label: "Mutex", Value1Type: "text"},
	{Name: "Registry Key", Custom: "true", Parsable: "false", APIBranch: "registryKeys", APIEntity: "registryKey", CasePreference: "sensitive",
		Value1Label: "Key Name", Value1Type: "text", Value2Label: "Value Name", Value2Type: "text", Value3Label: "Value Type", Value3Type: "selectone"},
	{Name: "User Agent", Custom: "true", Parsable: "false", APIBranch: "userAgents", APIEntity: "userAgent", CasePreference: "sensitive", Value1Label: "User Agent String", Value1Type: "text"},
}

// GroupTypes are the types of groups that every instance of the platform has.
var GroupTypes = []string{
	"Adversary", "Attack Pattern", "Campaign", "Course of Action", "Document", "Email", "Event", "Incident", "Intrusion Set",
	"Malware", "Report", "Signature", "Tactic", "Task", "Threat", "Tool", "Vulnerability",
}
