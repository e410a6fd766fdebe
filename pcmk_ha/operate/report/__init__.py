"""The support bundle: what explains a failure, from every member that answers, without secrets."""
