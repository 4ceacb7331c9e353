// CarillonTool
