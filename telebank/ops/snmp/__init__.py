"""SNMP: TELEBANK-MIB as data, the agent that answers with it, notifications to sinks."""
