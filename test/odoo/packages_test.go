//go:build odoo

package odoo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// modules are what Odoo 17 to 19 import when they start, and the Debian package of each.
var modules = map[string]string{
	"asn1crypto": "python3-asn1crypto", "babel": "python3-babel", "cbor2": "python3-cbor2", "chardet": "python3-chardet",
	"cryptography": "python3-cryptography", "dateutil": "python3-dateutil", "decorator": "python3-decorator",
	"docutils": "python3-docutils", "freezegun": "python3-freezegun", "geoip2": "python3-geoip2", "gevent": "python3-gevent",
	"greenlet": "python3-greenlet", "idna": "python3-idna", "jinja2": "python3-jinja2", "lxml": "python3-lxml",
	"magic": "python3-magic", "markupsafe": "python3-markupsafe", "num2words": "python3-num2words",
	"ofxparse": "python3-ofxparse", "OpenSSL": "python3-openssl", "openpyxl": "python3-openpyxl", "passlib": "python3-passlib",
	"PIL": "python3-pil", "polib": "python3-polib", "psutil": "python3-psutil", "psycopg2": "python3-psycopg2",
	"PyPDF2": "python3-pypdf2", "qrcode": "python3-qrcode", "reportlab": "python3-reportlab", "requests": "python3-requests",
	"rjsmin": "python3-rjsmin", "sass": "python3-libsass", "serial": "python3-serial", "stdnum": "python3-stdnum",
	"pytz": "python3-tz", "urllib3": "python3-urllib3", "usb": "python3-usb", "vobject": "python3-vobject",
	"werkzeug": "python3-werkzeug", "xlrd": "python3-xlrd", "xlsxwriter": "python3-xlsxwriter", "xlwt": "python3-xlwt",
	"zeep": "python3-zeep", "pkg_resources": "python3-pkg-resources",
}

// installPackages installs what is missing, as root.
func installPackages() error {
	missing, err := missingPackages()
	if err != nil || len(missing) == 0 {
		return err
	}
	if os.Getuid() != 0 {
		return fmt.Errorf("Odoo needs Debian's %s: install them", strings.Join(missing, " "))
	}
	fmt.Fprintf(os.Stderr, "installing Debian's %s\n", strings.Join(missing, " "))
	install := append([]string{"install", "-y", "-qq", "--no-install-recommends"}, missing...)
	for _, args := range [][]string{{"update", "-qq"}, install} {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			return fmt.Errorf("apt-get %s: %w: %s", args[0], err, out)
		}
	}
	if missing, err = missingPackages(); len(missing) > 0 {
		return fmt.Errorf("installed, but not found by %s: %s", python, strings.Join(missing, " "))
	}
	return err
}

func missingPackages() ([]string, error) {
	names := make([]string, 0, len(modules))
	for name := range modules {
		names = append(names, name)
	}
	const script = "import importlib.util,sys\nfor m in sys.argv[1:]:\n  if importlib.util.find_spec(m) is None: print(m)"
	out, err := exec.Command(python, append([]string{"-c", script}, names...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("ask %s for its modules: %w", python, err)
	}
	var missing []string
	for _, name := range strings.Fields(string(out)) {
		missing = append(missing, modules[name])
	}
	return missing, nil
}
