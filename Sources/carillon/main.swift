import CarillonTool

await CarillonProgram.main()
