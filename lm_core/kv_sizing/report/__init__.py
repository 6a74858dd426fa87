"""What is said of a size: amounts as text, growth, plain data, a page to hand in, common wrong answers."""
