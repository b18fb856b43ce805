"""The operations: plan -> request -> compose, pure but for the model they are handed."""
