// Package value is what a page holds in its properties: kept by type, read from requests with Notion's checks, and written
// in the shape of Notion's answers.
package value

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
)

// Value is what one property of one page holds. An empty property has none (nil).
type Value interface{ value() }

type (
	// Text is a title or a rich_text.
	Text []Run
	// Number is a number.
	Number float64
	// Line is a url, an email or a phone_number.
	Line string
	// Choice is the id of the option of a select or a status.
	Choice string
	// Choices are the ids of the options of a multi_select.
	Choices []string
	// Checked is a checkbox.
	Checked bool
	// People are the ids of users and groups.
	People []string
	// Refs are the ids of the pages of a relation.
	Refs []string
	// Files are the files of a files property.
	Files []File
	// Serial is the number of a unique_id.
	Serial int
	// Author is the id of the user of a created_by or a last_edited_by.
	Author string
	// Raw is the JSON of a type that the simulator carries as it is: place, and those it does not know.
	Raw json.RawMessage
)

// Date is a day, an instant or a range of either. Start and End are spelled as answers carry them.
type Date struct {
	Start string `json:"start"`
	End   string `json:"end,omitempty"`
	Zone  string `json:"zone,omitempty"`
}

// File is one entry of a files property. A hosted file's address is made anew for each answer from its Path.
type File struct {
	Name string `json:"name"`
	URL  string `json:"url,omitempty"`  // of an external file
	Path string `json:"path,omitempty"` // of a hosted file
}

// Stamp is a created_time or a last_edited_time.
type Stamp struct{ time.Time }

// Verification is the value of a wiki page's verification.
type Verification struct {
	State string `json:"state"`
	By    string `json:"by,omitempty"` // a user's id
	Date  Date   `json:"date,omitzero"`
}

func (Text) value()    {}
func (Number) value()  {}
func (Line) value()    {}
func (Choice) value()  {}
func (Choices) value() {}
func (Checked) value() {}
func (Date) value()    {}
func (People) value()  {}
func (Refs) value()    {}
func (Files) value()   {}
func (Serial) value()  {}
func (Raw) value()     {}
func (Author) value()  {}
func (Stamp) value()   {}

func (Verification) value() {}

// Unmarshal reads a value of a type as json.Marshal wrote it.
func Unmarshal(kind string, raw []byte) (Value, error) {
	switch kind {
	case schema.Title, schema.RichText:
		return unmarshal[Text](raw)
	case schema.Number:
		return unmarshal[Number](raw)
	case schema.URL, schema.Email, schema.PhoneNumber:
		return unmarshal[Line](raw)
	case schema.Select, schema.Status:
		return unmarshal[Choice](raw)
	case schema.MultiSelect:
		return unmarshal[Choices](raw)
	case schema.Checkbox:
		return unmarshal[Checked](raw)
	case schema.Date:
		return unmarshal[Date](raw)
	case schema.People:
		return unmarshal[People](raw)
	case schema.RelationType:
		return unmarshal[Refs](raw)
	case schema.Files:
		return unmarshal[Files](raw)
	case schema.UniqueID:
		return unmarshal[Serial](raw)
	case schema.Verification:
		return unmarshal[Verification](raw)
	default:
		return Raw(raw), nil
	}
}

func unmarshal[V Value](raw []byte) (Value, error) {
	var v V
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, fmt.Errorf("stored value: %w", err)
	}
	return v, nil
}

// MarshalJSON keeps the JSON as it is.
func (v Raw) MarshalJSON() ([]byte, error) { return v, nil }

// When returns the instant at which a date, or a range, begins; a day begins at midnight in UTC.
func (v Date) When() time.Time {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, v.Start); err == nil {
			return t
		}
	}
	return time.Time{}
}
