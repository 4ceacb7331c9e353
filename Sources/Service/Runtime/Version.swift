/// The version of all daemons and of the tool.
package let carillonVersion = "0.1.0"
