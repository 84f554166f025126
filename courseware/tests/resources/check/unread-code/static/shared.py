correct = ['incorrect']
