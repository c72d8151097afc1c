// Takes the place of tsx in a machine, where nothing is left to do: sources were compiled with the snapshot.
