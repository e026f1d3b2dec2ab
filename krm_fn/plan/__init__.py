"""Who answers whom, and why. Pure: no YAML, and no word of any mesh's."""
