"""What stands around every page: layout, navigation, hidden controls, the waiting room."""
