package content

import (
	"crypto/md5" //nolint:gosec // the protocol's checksum, no security
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
)

// Digest returns the checksum of a body.
func Digest(body string) string {
	sum := md5.Sum([]byte(body)) //nolint:gosec // the protocol's checksum, no security
	return hex.EncodeToString(sum[:])
}

// DigestAttributes returns the checksum by which clients see that their attributes arrived; empty for none.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation.
func DigestAttributes(attributes map[string]queue.Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	sum := md5.New() //nolint:gosec // the protocol's checksum, no security
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		writeLengthAndValue(sum, []byte(name))
		writeLengthAndValue(sum, []byte(a.DataType))
		if strings.HasPrefix(a.DataType, "Binary") {
			sum.Write([]byte{2})
			writeLengthAndValue(sum, a.BinaryValue)
		} else {
			sum.Write([]byte{1})
			writeLengthAndValue(sum, []byte(a.StringValue))
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func writeLengthAndValue(sum hash.Hash, value []byte) {
	sum.Write(binary.BigEndian.AppendUint32(nil, uint32(len(value))))
	sum.Write(value)
}

// DigestTrace returns the checksum of the one system attribute that can be sent; empty for none.
func DigestTrace(header string) string {
	if header == "" {
		return ""
	}
	return DigestAttributes(map[string]queue.Attribute{"AWSTraceHeader": {DataType: "String", StringValue: header}})
}
