//go:build conformance

package conformance_test

// difference is one that is meant.
type difference struct {
	reason string
	but    []string // the members that differ, all else being the same; empty where the answers differ as a whole
}

// differences are those where moto is not as AWS documents itself, or where the local cloud offers less, by the name of the
// step.
func differences() map[string]difference {
	const (
		unchecked = "moto does not check it; AWS documents the refusal"
		noTasks   = "moto has no message move tasks"
		noAccess  = "moto does not tell when a secret was last read"
	)
	// moto takes the version that was written last before for current, whatever label was moved since; and so, after the next
	// value, it has AWSPREVIOUS at the wrong version and AWSCURRENT at two.
	labels := []string{"LastAccessedDate", "VersionIdsToStages", "SecretVersionsToStages"}
	const wrongLabels = "moto does not follow labels that are moved by hand; " + noAccess
	return map[string]difference{
		"create with a bad value":              {reason: unchecked},
		"create with an unknown attribute":     {reason: unchecked},
		"set a FIFO attribute on standard":     {reason: unchecked},
		"change visibility when not in flight": {reason: "moto accepts it; AWS documents MessageNotInflight"},
		"send nothing":                         {reason: unchecked},
		"send a control character":             {reason: unchecked},
		"send an empty attribute":              {reason: unchecked},
		"send with a deduplication id":         {reason: "moto accepts what AWS allows on FIFO queues alone"},
		"FIFO: send, known by its content":     {reason: "moto numbers messages with an explicit id alone", but: []string{"SequenceNumber"}},
		"FIFO: send it again":                  {reason: "moto numbers messages with an explicit id alone", but: []string{"SequenceNumber"}},
		"FIFO: send a batch without a group":   {reason: "in a batch, AWS gives InvalidParameterValue for what is missing"},
		"dead letters: to none":                {reason: "moto gives NonExistentQueue; AWS says that the policy is invalid"},
		"dead letters: where it died":          {reason: "moto does not give DeadLetterQueueSourceArn", but: []string{"Attributes"}},
		"redrive":                              {reason: noTasks},
		"redrive: tasks":                       {reason: noTasks},
		"redrive: cancel nonsense":             {reason: noTasks},

		"create a secret with a bad name": {reason: unchecked},
		"create with a key of KMS":        {reason: "the local cloud offers no KMS"},
		"describe":                        {reason: noAccess, but: []string{"LastAccessedDate"}},
		"read the current":                {reason: "moto does not follow labels that are moved by hand"},
		"versions":                        {reason: "moto gives the name for the ARN, lists versions without a label too, and pages where there is nothing more"},
		"describe after":                  {reason: wrongLabels, but: labels},
		"list secrets":                    {reason: wrongLabels, but: labels},
		"put into a marked one":           {reason: unchecked},
		"describe a marked one":           {reason: wrongLabels, but: labels},
		"create over a marked one":        {reason: "moto gives ResourceExistsException; AWS InvalidRequestException"},
		"list with marked ones":           {reason: wrongLabels, but: labels},
	}
}
