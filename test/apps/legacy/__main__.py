"""Entry point of Apps before TcEx 4: python . PROGRAM --name value …"""
import importlib
import os
import sys

sys.path.insert(0, os.getcwd())
importlib.import_module(sys.argv[1]).main(sys.argv[2:])
