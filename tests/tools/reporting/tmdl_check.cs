// Reads a folder of TMDL with Microsoft's Tabular Object Model, says what is in it, and writes it again.
// usage: tmdl_check FOLDER OUT
using System;
using System.Linq;
using Microsoft.AnalysisServices.Tabular;

static class TmdlCheck
{
    static int Main(string[] args)
    {
        try
        {
            var database = TmdlSerializer.DeserializeDatabaseFromFolder(args[0]);
            var model = database.Model;
            Console.WriteLine("{0} tables, {1} columns, {2} measures, {3} relationships",
                model.Tables.Count,
                model.Tables.Sum(t => t.Columns.Count),
                model.Tables.Sum(t => t.Measures.Count),
                model.Relationships.Count);
            if (args.Length > 1) TmdlSerializer.SerializeDatabaseToFolder(database, args[1]);
            return 0;
        }
        catch (Exception e)
        {
            Console.WriteLine("{0}: {1}", e.GetType().Name, e.Message.Replace("\n", " "));
            return 1;
        }
    }
}
