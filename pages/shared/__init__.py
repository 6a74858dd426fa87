"""What two or more pages use: links, words and colours, controls, pictures, the guided tour and the talk."""
